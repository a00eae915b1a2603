import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentFor } from './environment.ts'

const ENDPOINTS = {
  'azure-event-grid-topics': {
    http: 'http://localhost:4630',
    endpoint: 'http://localhost:4630/api/events',
    credentials: { key1: 'one', key2: 'two' }
  },
  another: { http: 'http://localhost:4699' }
}

const environment = suite('fogbank env')

environment('points at the endpoint of a topic, with its key', () => {
  assert.equal(environmentFor('azure-event-grid-topics', ENDPOINTS, '/ca.pem'), {
    FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT: 'http://localhost:4630/api/events',
    FOGBANK_AZURE_EVENT_GRID_TOPICS_KEY: 'one',
    NODE_EXTRA_CA_CERTS: '/ca.pem'
  })
})

environment('points at whatever else by its HTTP URL, and at nobody not at all', () => {
  assert.equal(environmentFor('another', ENDPOINTS, undefined), {
    FOGBANK_ANOTHER_ENDPOINT: 'http://localhost:4699'
  })
  assert.is(environmentFor('nobody', ENDPOINTS, undefined), undefined)
})

environment.run()
