import { SettingsError } from '@fogbank/personality'

/** What we use of @azure/storage-blob. */
export interface StorageBlobModule {
  BlobServiceClient: {
    fromConnectionString(connectionString: string): {
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
    fromConnectionString(connectionString: string): {
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
    eventHubName: string
  ) => {
    sendBatch(events: object[], options: object): Promise<void>
    close(): Promise<void>
  }
}

/** What we use of @azure/service-bus. */
export interface ServiceBusModule {
  ServiceBusClient: new (connectionString: string) => {
    createSender(queueOrTopic: string): {
      sendMessages(message: object): Promise<void>
    }
    close(): Promise<void>
  }
}

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
