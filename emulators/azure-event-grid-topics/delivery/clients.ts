import { SettingsError } from '@fogbank/personality'

/** What we use of @azure/storage-blob. */
export interface StorageBlobModule {
  BlobServiceClient: {
    fromConnectionString(
      connectionString: string,
      options: object
    ): {
      getContainerClient(name: string): {
        getBlockBlobClient(name: string): {
          upload(body: string, bytes: number, options: object): Promise<unknown>
        }
      }
    }
  }
}

/** What we use of @azure/storage-queue. */
export interface StorageQueueModule {
  QueueServiceClient: {
    fromConnectionString(
      connectionString: string,
      options: object
    ): {
      getQueueClient(name: string): {
        sendMessage(text: string, options: object): Promise<unknown>
      }
    }
  }
}

/** What we use of @azure/event-hubs. */
export interface EventHubsModule {
  EventHubProducerClient: new (
    connectionString: string,
    eventHubName: string,
    options: object
  ) => {
    sendBatch(events: object[], options: object): Promise<void>
    close(): Promise<void>
  }
}

/** What we use of @azure/service-bus. */
export interface ServiceBusModule {
  ServiceBusClient: new (
    connectionString: string,
    options: object
  ) => {
    createSender(queueOrTopic: string): {
      sendMessages(message: object): Promise<void>
    }
    close(): Promise<void>
  }
}

const ATTEMPT_TIMEOUT_MS = 30_000

/** Whoever retries is the queue, on the documented schedule. */
export const STORAGE_OPTIONS = { retryOptions: { maxTries: 1 } }
export const AMQP_OPTIONS = { retryOptions: { maxRetries: 0, timeoutInMs: ATTEMPT_TIMEOUT_MS } }

/** Ends a request of a storage client that takes longer than a webhook may: as an AbortError. */
export const storageTimeout = () => ({ abortSignal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) })

interface Clients {
  '@azure/storage-blob': StorageBlobModule
  '@azure/storage-queue': StorageQueueModule
  '@azure/event-hubs': EventHubsModule
  '@azure/service-bus': ServiceBusModule
}

/**
 * An official client that whoever wants it installs beside us: together they are heavier than the suite.
 *
 * @throws SettingsError when it is not installed
 */
export async function loadClient<Name extends keyof Clients>(
  name: Name,
  wantedBy: string
): Promise<Clients[Name]> {
  try {
    // Not a literal, or the bundle would carry it.
    const specifier: string = name
    return (await import(specifier)) as Clients[Name]
  } catch (cause) {
    throw new SettingsError(
      `${wantedBy} needs the package ${name}; install it beside fogbank: npm install ${name}`,
      { cause }
    )
  }
}

/**
 * Makes a client that looks into its connection string at once.
 *
 * @throws SettingsError naming the subscription and the key, when the string is none
 */
export function connect<Client>(where: string, create: () => Client): Client {
  try {
    return create()
  } catch (cause) {
    const { message } = cause as Error
    throw new SettingsError(
      `${where}.properties.connectionString is none that the client takes: ${message}`,
      { cause }
    )
  }
}
