import type { Principal } from '../auth.ts'
import type { Certificates } from '../certificates.ts'
import type { Wish } from './actions.ts'
import { ALLOW_ALL, isAllowed, type Policy } from './document.ts'
import type { Lookup } from './pattern.ts'

/** What a policy can ask about a caller besides who he is. */
export interface Circumstances {
  /** Absent over HTTP, which knows no client ids. */
  clientId?: string
  sourceIp?: string
  /** The name that the client called the endpoint by. */
  domainName?: string
  /** `PersistentConnect`, `LastWill`; only of a CONNECT. */
  connectAttributes?: readonly string[]
}

/** Decides by the callers' policies. */
export interface Access {
  /**
   * Whether all of it is allowed.
   * @param circumstances are asked for where a policy has to be asked
   */
  allows(principal: Principal, wishes: readonly Wish[], circumstances: () => Circumstances): boolean
}

interface AccessOptions {
  accountId: string
  /** Of callers that name none: devices. */
  region: string
  /** By access key id; a key that is not among them may do everything. */
  keyPolicies: ReadonlyMap<string, Policy>
  certificates: Certificates
}

const UNRESTRICTED: readonly Policy[] = [ALLOW_ALL]

export function createAccess(options: AccessOptions): Access {
  const { accountId, region, keyPolicies, certificates } = options

  function policiesOf(principal: Principal): readonly Policy[] {
    if (principal.kind === 'certificate') return certificates.policiesOf(principal) ?? UNRESTRICTED
    const policy = keyPolicies.get(principal.accessKeyId)
    return policy ? [policy] : UNRESTRICTED
  }

  return {
    allows(principal, wishes, circumstances) {
      const policies = policiesOf(principal)
      if (policies === UNRESTRICTED) return true
      const lookup = lookupOf(principal, circumstances(), certificates)
      const at = principal.kind === 'access-key' ? principal.region : region
      return wishes.every(({ action, resource }) =>
        isAllowed(policies, {
          action,
          resource: resource === '*' ? '*' : `arn:aws:iot:${at}:${accountId}:${resource}`,
          lookup
        })
      )
    }
  }
}

/**
 * Values of the variables and condition keys.
 * @see https://docs.aws.amazon.com/iot/latest/developerguide/basic-policy-variables.html
 * @see https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html
 */
function lookupOf(
  principal: Principal,
  { clientId, sourceIp, domainName, connectAttributes }: Circumstances,
  certificates: Certificates
): Lookup {
  const one = (value: string | undefined) => (value === undefined ? undefined : [value])
  const thing = clientId === undefined ? undefined : certificates.thingOf(principal, clientId)
  return (name) => {
    switch (name) {
      case 'iot:ClientId':
        return one(clientId)
      case 'iot:Connection.Thing.ThingName':
        return one(thing)
      case 'iot:Connection.Thing.IsAttached':
        return clientId === undefined ? undefined : [String(thing !== undefined)]
      case 'iot:Certificate.Subject.CommonName':
        return principal.kind === 'certificate' ? one(principal.commonName) : undefined
      case 'iot:ConnectAttributes':
        return connectAttributes
      case 'iot:DomainName':
        return one(domainName)
      case 'aws:SourceIp':
        return one(sourceIp)
      case 'aws:username':
        return principal.kind === 'access-key' ? one(principal.accessKeyId) : undefined
      default:
        return thing === undefined ? undefined : one(certificates.attribute(thing, name))
    }
  }
}
