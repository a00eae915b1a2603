import { SettingsError, type PersonalityContext } from '@fogbank/personality'
import { createCertificates } from './certificates.ts'
import { createHistory } from './connections/history.ts'
import { openRegistry } from './control-plane/registry.ts'
import { createHttpDate, type Settings, type State } from './handlers.ts'
import { startLifecycle } from './lifecycle.ts'
import { operations } from './operations.ts'
import { createAccess } from './policy/access.ts'
import { compilePolicy, type Policy } from './policy/document.ts'
import { createRates } from './rates.ts'
import { createShadows } from './shadow/shadows.ts'
import { createShadowTopics } from './shadow/topics.ts'
import { createSignatures } from './signature.ts'

export const WELL_KNOWN = { accessKeyId: 'test', secretAccessKey: 'test' }

/** The account and region that the service's documentation has in its examples. */
const ACCOUNT_ID = '123456789012'
const REGION = 'us-east-1'
const SESSION_EXPIRY_SECONDS = 3600

/** @throws SettingsError for a rate of an operation that there is not, or a key that is there twice */
export async function createState(context: PersonalityContext<Settings>): Promise<State> {
  const { core, clock, auth, settings } = context
  checkRates(settings)
  const accessKeys = settings.accessKeys ?? [WELL_KNOWN]
  const space = await core.space(settings.space ?? 'main')
  const shadows = createShadows(await core.records('aws-iot:shadows'), clock, context.log)
  const registry = await openRegistry(await core.records('aws-iot:control-plane'))
  const certificates = createCertificates(registry, settings.certificates ?? [])
  const accountId = settings.accountId ?? ACCOUNT_ID
  const region = settings.region ?? REGION
  const rates = createRates(settings.rates ?? {}, clock)
  const lifecycle = startLifecycle({ space, core, accountId, certificates })
  return {
    space,
    clock,
    ids: context.ids,
    httpDate: createHttpDate(clock),
    lenient: auth === 'lenient',
    signatures: createSignatures(),
    accessKeys,
    registry,
    certificates,
    access: createAccess({
      accountId,
      region,
      keyPolicies: policiesOf(accessKeys),
      certificates
    }),
    rates,
    lifecycle,
    accountId,
    region,
    signClient: context.signClient,
    sessionExpiryMaximumSeconds: settings.sessionExpiryMaximumSeconds ?? SESSION_EXPIRY_SECONDS,
    history: createHistory(space, clock, certificates),
    shadows,
    shadowTopics: createShadowTopics({ space, shadows, rates, log: context.log })
  }
}

function policiesOf(keys: Settings['accessKeys'] = []): Map<string, Policy> {
  const policies = new Map<string, Policy>()
  const ids = new Set<string>()
  for (const { accessKeyId, policy } of keys) {
    if (ids.has(accessKeyId)) {
      throw new SettingsError(`accessKeys: ${accessKeyId} is there twice; drop one of them`)
    }
    ids.add(accessKeyId)
    if (policy) policies.set(accessKeyId, compilePolicy(policy))
  }
  return policies
}

function checkRates({ rates }: Settings): void {
  for (const name of Object.keys(rates?.operations ?? {})) {
    if (name in operations) continue
    const known = Object.keys(operations).join(', ')
    throw new SettingsError(`rates.operations: ${name} is no operation; choose from ${known}`)
  }
}
