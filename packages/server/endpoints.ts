import type { PersonalityDescription } from '@fogbank/personality'

/** What `GET /endpoints` says: by personality id, plus `control` and `authority`. */
export type Endpoints = Record<string, Record<string, unknown>>

/** Each by its scheme: `http://host:port`. */
export interface WebUrls {
  http: string
  https: string
}

/** `mqtt` and `mqtts` end at the port, `ws` and `wss` carry their path. */
export interface MqttUrls extends WebUrls {
  mqtt: string
  mqtts: string
  ws: string
  wss: string
}

/** The same, with what each is known to offer; a personality that was not started is absent. */
export type KnownEndpoints = {
  [Id in keyof Known]: Known[Id] & Record<string, unknown>
} & Endpoints

interface Known {
  /** Health, reset and plain MQTT. */
  control: MqttUrls
  'aws-iot': MqttUrls & {
    credentials: { accessKeyId: string; secretAccessKey: string; region: string }
  }
  'azure-event-grid-namespaces': MqttUrls & {
    topic: string
    subscription: string
    credentials: { key: string }
  }
  /** `endpoint` is the one of topic `default`. */
  'azure-event-grid-topics': WebUrls & {
    endpoint: string
    credentials: { key1: string; key2: string }
  }
  'azure-web-pubsub': WebUrls & { credentials: { connectionString: string; accessKey: string } }
  shiftr: MqttUrls & { credentials: { username: string; password: string } }
  authority: {
    https: string
    credentials: { tenantId: string; clientId: string; clientSecret: string }
  }
}

/** What can be started. */
export type PersonalityId = Exclude<keyof Known, 'control' | 'authority'>

/** The URLs of one port; ws and wss carry their path, the others end at the port. */
export function toUrls(
  host: string,
  port: number,
  offers: { mqtt: boolean; webSocketPath?: string | undefined }
): Record<string, string> {
  const at = `${host}:${port}`
  const urls: Record<string, string> = { http: `http://${at}`, https: `https://${at}` }
  if (offers.mqtt) Object.assign(urls, { mqtt: `mqtt://${at}`, mqtts: `mqtts://${at}` })
  if (offers.webSocketPath !== undefined) {
    urls.ws = `ws://${at}${offers.webSocketPath}`
    urls.wss = `wss://${at}${offers.webSocketPath}`
  }
  return urls
}

/** One personality's entry; `{http}` in its own members and its credentials is filled in. */
export function describeEndpoint(
  host: string,
  port: number,
  hasMqtt: boolean,
  description: PersonalityDescription
): Record<string, unknown> {
  const urls = toUrls(host, port, { mqtt: hasMqtt, webSocketPath: description.webSocketPath })
  const fill = (members: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, value.replace('{http}', urls.http!)])
    )
  return { ...urls, ...fill(description.endpoints), credentials: fill(description.credentials) }
}
