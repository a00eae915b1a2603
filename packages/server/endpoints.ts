import type { PersonalityDescription } from '@fogbank/personality'

/** What `GET /endpoints` says: by personality id, plus `control` and `authority`. */
export type Endpoints = Record<string, Record<string, unknown>>

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
