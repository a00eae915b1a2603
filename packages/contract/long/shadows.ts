import {
  GetThingShadowCommand,
  IoTDataPlaneClient,
  UpdateThingShadowCommand
} from '@aws-sdk/client-iot-data-plane'

/** One number in the shadow of a thing. */
export interface ShadowKeeper {
  put(thingName: string, value: number): Promise<void>
  get(thingName: string): Promise<number | undefined>
  close(): void
}

/** undefined where shadows are not emulated. */
export async function createShadowKeeper(port: number): Promise<ShadowKeeper | undefined> {
  const client = new IoTDataPlaneClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1
  })

  async function get(thingName: string): Promise<number | undefined> {
    const { payload } = await client.send(new GetThingShadowCommand({ thingName }))
    const document = JSON.parse(Buffer.from(payload!).toString()) as {
      state: { reported?: { value?: number } }
    }
    return document.state.reported?.value
  }

  try {
    await get('nobody')
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') return undefined
  }
  return {
    async put(thingName, value) {
      const payload = Buffer.from(JSON.stringify({ state: { reported: { value } } }))
      await client.send(new UpdateThingShadowCommand({ thingName, payload }))
    },
    get,
    close: () => client.destroy()
  }
}
