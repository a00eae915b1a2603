import type { ConnectRequest, Peer, Session } from '@fogbank/core'
import type { WebhookRequest } from './webhook.ts'

/** All that a CONNECT says of its client. */
export function toWebhookRequest(connect: ConnectRequest): WebhookRequest {
  const { clientId, username, password, authenticationMethod, authenticationData, peer } = connect
  return {
    clientId,
    ...(username === undefined ? {} : { userName: username }),
    ...(password === undefined ? {} : { password: password.toString('base64') }),
    ...toMethod(authenticationMethod, authenticationData),
    ...toCertificates(peer)
  }
}

/** The same of a client that renews what it proved; what its CONNECT said besides is gone. */
export function toRenewalRequest(
  { clientId, peer }: Pick<Session, 'clientId' | 'peer'>,
  method: string,
  data: Buffer | undefined
): WebhookRequest {
  return { clientId, ...toMethod(method, data), ...toCertificates(peer) }
}

function toMethod(method: string | undefined, data: Buffer | undefined): Partial<WebhookRequest> {
  return {
    ...(method === undefined ? {} : { authenticationMethod: method }),
    ...(data === undefined ? {} : { authenticationData: data.toString('base64') })
  }
}

function toCertificates({ certificate }: Peer): Partial<WebhookRequest> {
  if (!certificate) return {}
  const { der, chain } = certificate
  return {
    clientCertificate: toPem(der),
    ...(chain ? { clientCertificateChain: chain.map(toPem).join('') } : {})
  }
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
