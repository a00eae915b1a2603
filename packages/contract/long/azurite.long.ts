// Event Grid's storage queues and dead letters against the official emulator of Azure Storage.
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logged } from '../logged.ts'
import { withFogbank, type World } from '../with-fogbank.ts'
import { startAzurite } from './azurite.ts'

const TOPICS = 'azure-event-grid-topics'
const WAIT_MS = 30_000
const FIVE_MINUTES_MS = 300_000
const ORDERS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders'

const order = (id: string) => ({
  id,
  subject: 'orders/1',
  data: { text: 'Grüße & <b>' },
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-01-02T03:04:05Z',
  dataVersion: '1.0'
})
const delivered = (id: string) => ({ ...order(id), topic: ORDERS, metadataVersion: '1' })

async function publish(world: World, id: string): Promise<void> {
  const { status } = await world.http(
    { at: TOPICS },
    {
      method: 'POST',
      target: '/orders/api/events',
      headers: { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify([order(id)]))
    }
  )
  assert.is(status, 200)
}

const storage = suite('long azurite')

storage('a storage queue gets the event, and a container the dead letter', async () => {
  const azurite = await startAzurite()
  const { connectionString } = azurite
  const queues = QueueServiceClient.fromConnectionString(connectionString)
  const blobs = BlobServiceClient.fromConnectionString(connectionString)
  const toQueue = (queueName: string, more: object = {}) => ({
    endpointType: 'StorageQueue',
    properties: { connectionString, queueName, ...more }
  })
  const eventSubscriptions = [
    {
      name: 'to-queue',
      destination: toQueue('orders', { queueMessageTimeToLiveInSeconds: 3600 })
    },
    {
      name: 'to-nowhere',
      destination: toQueue('nowhere'),
      retryPolicy: { maxDeliveryAttempts: 1 },
      deadLetterDestination: {
        endpointType: 'StorageBlob',
        properties: { connectionString, blobContainerName: 'deadletters' }
      }
    }
  ]
  const config = {
    [TOPICS]: { delivery: { jitter: false }, topics: [{ name: 'orders', eventSubscriptions }] }
  }
  try {
    const queue = queues.getQueueClient('orders')
    await queue.create()
    await withFogbank({ only: [TOPICS], config, manualClock: true }, async (world) => {
      await publish(world, 'e1')
      await logged(world.lines, /delivery to-queue delivered/, WAIT_MS)
      const { receivedMessageItems: messages } = await queue.receiveMessages()
      assert.is(messages.length, 1)
      const { messageText, insertedOn, expiresOn } = messages[0]!
      assert.equal(JSON.parse(Buffer.from(messageText, 'base64').toString()), delivered('e1'))
      assert.is(expiresOn.getTime() - insertedOn.getTime(), 3600_000)

      await logged(world.lines, /to-nowhere 404 .*a dead letter/, WAIT_MS)
      const container = blobs.getContainerClient('deadletters')
      world.clock!.advance(FIVE_MINUTES_MS)
      await logged(world.lines, /1 dead letters wait/, WAIT_MS) // the container is not there
      await container.create()
      world.clock!.advance(FIVE_MINUTES_MS)
      await logged(world.lines, /1 dead letters of to-nowhere written/, WAIT_MS)
      const names: string[] = []
      for await (const { name } of container.listBlobsFlat()) names.push(name)
      assert.is(names.length, 1)
      assert.match(names[0]!, /^TO-NOWHERE\/2026\/1\/2\/3\/[0-9a-f-]{36}\.json$/)
      const blob = container.getBlockBlobClient(names[0]!)
      assert.is((await blob.getProperties()).contentType, 'application/json')
      assert.equal(JSON.parse((await blob.downloadToBuffer()).toString()), [
        {
          ...delivered('e1'),
          deadLetterReason: 'MaxDeliveryAttemptsExceeded',
          deliveryAttempts: 1,
          lastDeliveryOutcome: 'NotFound',
          publishTime: '2026-01-02T03:04:05Z',
          lastDeliveryAttemptTime: '2026-01-02T03:04:05Z'
        }
      ])

      // Nobody at all: tried again, and nothing is lost.
      await azurite.close()
      await publish(world, 'e2')
      await logged(world.lines, /delivery to-queue SocketError .*next in 10 s/, WAIT_MS)
    })
  } finally {
    await azurite.close()
  }
})

storage.run()
