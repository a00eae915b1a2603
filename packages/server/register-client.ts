import { readFileSync } from 'node:fs'
import type { Configuration } from './config.ts'
import { UsageError } from './failure.ts'
import { askPersonality, findCa } from './remote.ts'

const NAMESPACES = '/azure-event-grid-namespaces/namespaces'

/** A client as it stands in the configuration of an Event Grid namespace. */
export interface ClientEntry {
  name: string
  clientCertificateAuthentication: { validationScheme: string }
}

interface NamespaceDescription {
  name: string
  clients: readonly { name: string }[]
}

/** What a client needs whose certificate has its name as common name. */
export function toClientEntry(name: string): ClientEntry {
  const validationScheme = 'SubjectMatchesAuthenticationName'
  return { name, clientCertificateAuthentication: { validationScheme } }
}

/**
 * Adds a client to a namespace of the running suite; one that is there already stays as it is.
 *
 * @param options.namespace the default one when left out
 * @param options.caFile the CA that signed the client's certificate, which has to be the suite's
 * @returns the namespace's name; undefined when no suite answers
 * @throws UsageError when the suite has another CA, or no such namespace
 */
export async function registerClient(
  configuration: Configuration,
  name: string,
  { namespace, caFile }: { namespace?: string | undefined; caFile: string }
): Promise<string | undefined> {
  const ca = await findCa(configuration)
  if (ca === undefined) return undefined
  if (ca.trim() !== readFileSync(caFile, 'utf8').trim()) {
    throw new UsageError(`the running suite has another CA than ${caFile}; name its --tls-dir`)
  }
  const found = (await askPersonality(configuration, NAMESPACES)) as {
    value: NamespaceDescription[]
  }
  const one = found.value.find((each) => namespace === undefined || each.name === namespace)
  if (!one) {
    const names = found.value.map((each) => each.name).join(', ')
    throw new UsageError(`there is no namespace ${namespace}; --namespace takes ${names}`)
  }
  if (!one.clients.some((client) => client.name === name)) {
    const path = `${NAMESPACES}/${one.name}/clients/${encodeURIComponent(name)}`
    await askPersonality(configuration, path, toClientEntry(name))
  }
  return one.name
}
