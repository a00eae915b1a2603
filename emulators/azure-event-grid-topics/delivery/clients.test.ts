import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bundle } from '@fogbank/contract/testing'
import { TOPICS, webhook } from './testing.ts'

const LIMIT_MS = 30_000
const CONNECTION = 'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;'

const toDestination = (endpointType: string, properties: object) => ({
  name: 'to-somewhere',
  destination: { endpointType, properties: { connectionString: CONNECTION, ...properties } }
})

/** A subscription, and the package that it wants. */
const wanting: [subscription: object, wanted: string][] = [
  [toDestination('StorageQueue', { queueName: 'q' }), '@azure/storage-queue'],
  [toDestination('EventHub', { eventHubName: 'h' }), '@azure/event-hubs'],
  [toDestination('ServiceBusQueue', { queueName: 'q' }), '@azure/service-bus'],
  [toDestination('ServiceBusTopic', { topicName: 't' }), '@azure/service-bus'],
  [
    webhook('to-somewhere', 'http://127.0.0.1:1/', {
      deadLetterDestination: {
        endpointType: 'StorageBlob',
        properties: { connectionString: CONNECTION, blobContainerName: 'c' }
      }
    }),
    '@azure/storage-blob'
  ]
]

const clients = suite('clients that are not installed')

clients(
  'a start says which package a subscription wants, and one that wants none starts',
  async () => {
    // Outside of the repository, whose node_modules have them all.
    const folder = mkdtempSync(join(tmpdir(), 'fogbank-clients-'))
    try {
      const outfile = join(folder, 'start.cjs')
      await bundle(join(import.meta.dirname, 'testing-clients.ts'), outfile)
      const subscriptions = [
        ...wanting.map(([subscription]) => subscription),
        webhook('plain', 'http://127.0.0.1:1/')
      ]
      const configs = subscriptions.map((one) => ({
        [TOPICS]: { topics: [{ name: 'orders', eventSubscriptions: [one] }] }
      }))
      const { stdout, stderr } = spawnSync(process.execPath, [outfile, JSON.stringify(configs)], {
        cwd: folder,
        encoding: 'utf8',
        timeout: LIMIT_MS
      })
      assert.is(stderr, '')
      const said = stdout.trimEnd().split('\n')
      assert.is(said.pop(), 'started')
      assert.is(said.length, wanting.length)
      for (const [at, [, wanted]] of wanting.entries()) {
        assert.match(
          said[at]!,
          `needs the package ${wanted}; install it beside fogbank: npm install ${wanted}`
        )
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
)

clients.run()
