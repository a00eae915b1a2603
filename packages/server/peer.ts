import type { Socket } from 'node:net'
import { TLSSocket, type DetailedPeerCertificate } from 'node:tls'
import type { Peer } from '@fogbank/core'

/** What the MQTT side may know of whoever is at the other end of a TCP or TLS connection. */
export function toPeer(socket: Socket): Peer {
  const isTls = socket instanceof TLSSocket
  const peer: Peer = {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    ...(socket.localAddress !== undefined ? { localAddress: socket.localAddress } : {}),
    ...(socket.localPort !== undefined ? { localPort: socket.localPort } : {}),
    transport: isTls ? 'tls' : 'tcp',
    ...certificateOf(socket)
  }
  if (isTls && socket.servername) peer.host = socket.servername
  return peer
}

/** The client certificate, as a part of Peer; empty when none was shown. */
export function certificateOf(socket: Socket): Pick<Peer, 'certificate'> {
  if (!(socket instanceof TLSSocket)) return {}
  const certificate = socket.getPeerCertificate(true)
  // Without a subject there is no certificate; `authorized` alone cannot tell none from a wrong one.
  if (!certificate?.subject) return {}
  const chain = intermediatesOf(certificate)
  return {
    certificate: {
      der: certificate.raw,
      trusted: socket.authorized,
      ...(chain.length > 0 ? { chain } : {})
    }
  }
}

/** What stands between a certificate and the root, which is not among them: nobody trusts it for having come. */
function intermediatesOf({ issuerCertificate }: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let next: DetailedPeerCertificate | undefined = issuerCertificate
  // A root is its own issuer; where the root did not come, the last one has none.
  while (next?.raw && next.issuerCertificate !== next) {
    if (isSelfSigned(next)) break
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}

function isSelfSigned({ subject, issuer }: DetailedPeerCertificate): boolean {
  return JSON.stringify(subject) === JSON.stringify(issuer)
}
