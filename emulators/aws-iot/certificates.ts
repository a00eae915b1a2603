import { X509Certificate } from 'node:crypto'
import type { Principal } from './auth.ts'
import type { Registry } from './control-plane/registry.ts'
import { compilePolicy, type Policy, type PolicyDocument } from './policy/document.ts'
import { hashOf } from './signature.ts'

export type CertificatePrincipal = Extract<Principal, { kind: 'certificate' }>

/** A policy for the certificates of one name, from the configuration. */
export interface CertificateSettings {
  commonName: string
  policy: PolicyDocument
}

/** What is known of client certificates: by the control plane, by the configuration, or by their name. */
export interface Certificates {
  /** Whose certificate it is. */
  principalOf(der: Buffer): CertificatePrincipal
  /** The id of a certificate in PEM form. */
  idOf(pem: string): string
  /** false: it is registered and not (or no longer) active. */
  isActive(principal: CertificatePrincipal): boolean
  /** undefined: nobody has restricted it. */
  policiesOf(principal: CertificatePrincipal): readonly Policy[] | undefined
  /** The thing of a connection: the one that a certificate is attached to exclusively, or of that name. */
  thingOf(principal: Principal, clientId: string): string | undefined
  /** The thing that a caller's certificate is attached to exclusively. */
  exclusiveThingOf(principal: Principal): string | undefined
  /** `iot:Connection.Thing.Attributes[name]` of a thing. */
  attribute(thingName: string, variable: string): string | undefined
}

const ATTRIBUTE = /^iot:Connection\.Thing\.Attributes\[(.+)\]$/

export function createCertificates(
  registry: Registry,
  configured: readonly CertificateSettings[]
): Certificates {
  const byName = new Map<string, Policy[]>()
  for (const { commonName, policy } of configured) {
    byName.set(commonName, [...(byName.get(commonName) ?? []), compilePolicy(policy)])
  }

  function exclusiveThingOf(principal: Principal): string | undefined {
    if (principal.kind !== 'certificate') return undefined
    return registry.exclusiveThing(principal.certificateId)
  }

  function isAttached(principal: CertificatePrincipal, thingName: string): boolean {
    const { certificateId } = principal
    if (registry.certificate(certificateId)) return registry.isAttached(certificateId, thingName)
    // `fogbank cert --thing lamp` writes the thing into the certificate.
    return principal.commonName === thingName
  }

  return {
    principalOf(der) {
      const certificateId = hashOf(der)
      let commonName: string | undefined
      return {
        kind: 'certificate',
        der,
        certificateId,
        // Only policies ask for it, and reading a certificate takes its time.
        get commonName() {
          return (commonName ??= commonNameOf(der))
        }
      }
    },
    idOf: (pem) => hashOf(new X509Certificate(pem).raw),
    isActive({ certificateId }) {
      return (registry.certificate(certificateId)?.status ?? 'ACTIVE') === 'ACTIVE'
    },
    policiesOf(principal) {
      const { certificateId } = principal
      if (registry.certificate(certificateId)) return registry.policiesOf(certificateId)
      // deviation: to the service a certificate that nobody registered is nobody's.
      return byName.size === 0 ? undefined : byName.get(principal.commonName)
    },
    exclusiveThingOf,
    thingOf(principal, clientId) {
      if (principal.kind !== 'certificate') return undefined
      const named = isAttached(principal, clientId) ? clientId : undefined
      return exclusiveThingOf(principal) ?? named
    },
    attribute(thingName, variable) {
      const name = ATTRIBUTE.exec(variable)?.[1]
      return name === undefined ? undefined : registry.thing(thingName)?.attributes[name]
    }
  }
}

function commonNameOf(der: Buffer): string {
  const { subject } = new X509Certificate(der)
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? ''
}
