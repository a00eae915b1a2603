import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock, Ids } from '@fogbank/core'
import type { PublishedEvent } from '../events.ts'
import { connect, loadClient, STORAGE_OPTIONS, storageTimeout } from './clients.ts'
import type { DeadLetterDestination } from './definition.ts'
import { isCloudEvent, toCloudEvent, toEventGridEvent } from './output.ts'
import type { DeadLetterReason } from './retry.ts'
import type { Subscription } from './subscription.ts'

/** An event whose delivery was given up. */
export interface DeadLetter {
  event: PublishedEvent
  reason: DeadLetterReason
  attempts: number
  lastOutcome: string
  lastAttemptMs: number | undefined
}

/** Takes dead letters for good; rejects when they were not written. */
export type DeadLetterWriter = (letters: readonly DeadLetter[]) => Promise<void>

/** Where a container's blobs go. */
type PutBlob = (name: string, text: string) => Promise<void>

/**
 * Writes dead letters as the service does, one blob or file for those that come together.
 *
 * @throws SettingsError when the destination wants a client that is not installed
 */
export async function createDeadLetterWriter(
  subscription: Subscription,
  destination: DeadLetterDestination,
  { clock, ids }: { clock: Clock; ids: Ids }
): Promise<DeadLetterWriter> {
  const put =
    destination.endpointType === 'LocalFolder'
      ? toFolder(destination.properties.path)
      : await toContainer(subscription, destination.properties)
  return async (letters) => {
    const name = toBlobName(subscription.name, clock.now(), ids.uuid())
    await put(name, JSON.stringify(letters.map((letter) => toDeadLetter(letter, subscription))))
  }
}

/** `ORDERS-WEBHOOK/2026/1/2/3/{guid}.json`, in UTC and without zeros in front. */
export function toBlobName(subscriptionName: string, nowMs: number, id: string): string {
  const now = new Date(nowMs)
  const hour = [
    now.getUTCFullYear(),
    now.getUTCMonth() + 1,
    now.getUTCDate(),
    now.getUTCHours()
  ].join('/')
  return `${subscriptionName.toUpperCase()}/${hour}/${id}.json`
}

/** The event as it was to be delivered, and why it was not; custom events in Event Grid schema. */
export function toDeadLetter(letter: DeadLetter, { schema }: Subscription): object {
  const { event, reason, attempts, lastOutcome, lastAttemptMs } = letter
  const publishTime = toTime(event.publishedAtMs)
  if (schema === 'CloudEventSchemaV1_0' || isCloudEvent(event)) {
    return {
      ...toCloudEvent(event),
      deadletterreason: reason,
      deliveryattempts: attempts,
      lastdeliveryoutcome: lastOutcome,
      publishtime: publishTime
    }
  }
  return {
    ...toEventGridEvent(event),
    deadLetterReason: reason,
    deliveryAttempts: attempts,
    lastDeliveryOutcome: lastOutcome,
    publishTime,
    ...(lastAttemptMs === undefined ? {} : { lastDeliveryAttemptTime: toTime(lastAttemptMs) })
  }
}

/** As .NET writes it: no zeros at the end of the fraction, and no fraction of nothing. */
const toTime = (ms: number) => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z')

function toFolder(folder: string): PutBlob {
  return async (name, text) => {
    const file = join(folder, name)
    await mkdir(dirname(file), { recursive: true })
    // Whoever watches the folder sees whole files only.
    await writeFile(`${file}.part`, text)
    await rename(`${file}.part`, file)
  }
}

async function toContainer(
  { name: subscription }: Subscription,
  { connectionString, blobContainerName }: { connectionString: string; blobContainerName: string }
): Promise<PutBlob> {
  const { BlobServiceClient } = await loadClient(
    '@azure/storage-blob',
    'a dead letter destination StorageBlob'
  )
  const service = connect(`${subscription}: deadLetterDestination`, () =>
    BlobServiceClient.fromConnectionString(connectionString, STORAGE_OPTIONS)
  )
  const container = service.getContainerClient(blobContainerName)
  return async (name, text) => {
    const blob = container.getBlockBlobClient(name)
    await blob.upload(text, Buffer.byteLength(text), {
      blobHTTPHeaders: { blobContentType: 'application/json' },
      ...storageTimeout()
    })
  }
}
