import type { DeliverySettings, SubscribedSettings } from './delivery/settings.ts'

/** The configuration's part of this personality, as schemas.ts checks it; names are those of the ARM resources. */
export interface Settings {
  /** @default one topic named `default` */
  topics?: ResourceSettings[]
  domains?: ResourceSettings[]
  partnerNamespaces?: ResourceSettings[]
  /** @default 00000000-0000-0000-0000-000000000000 */
  subscriptionId?: string
  /** @default fogbank */
  resourceGroup?: string
  /** @default local */
  location?: string
  /** @default the well-known principal sends */
  roleAssignments?: RoleAssignment[]
  delivery?: DeliverySettings
  /** What the service says it takes of one event, or only what it guarantees. @default 1MB */
  eventSizeLimit?: '1MB' | '64KB'
  /** The limits that stand in the documentation, or the ones it was seen to enforce. @default documented */
  sizeLimits?: 'documented' | 'observed'
  /** What a bare object is to a topic that wants an array. @default refused */
  singleEvent?: 'refused' | 'accepted'
}

/** A custom topic, a domain or a partner namespace. */
export interface ResourceSettings extends SubscribedSettings {
  name: string
  /** @default EventGridSchema; partner namespaces: CloudEventSchemaV1_0 */
  inputSchema?: InputSchema
  inputSchemaMapping?: InputSchemaMapping
  /** @default the well-known topic keys */
  keys?: { key1: string; key2: string }
  /** A port of its own, where it is the only one. */
  port?: number
  /** Only tokens of Entra are taken. @default false */
  disableLocalAuth?: boolean
  /** @default Enabled */
  publicNetworkAccess?: 'Enabled' | 'Disabled'
  /** Absent or empty: from everywhere. */
  inboundIpRules?: { ipMask: string; action?: 'Allow' }[]
}

export type InputSchema = 'EventGridSchema' | 'CloudEventSchemaV1_0' | 'CustomEventSchema'

/** Where a custom event has what Event Grid's envelope wants. */
export interface InputSchemaMapping {
  id?: { sourceField: string }
  topic?: { sourceField: string }
  eventTime?: { sourceField: string }
  subject?: FieldWithDefault
  eventType?: FieldWithDefault
  dataVersion?: FieldWithDefault
}

export interface FieldWithDefault {
  sourceField?: string
  defaultValue?: string
}

export interface RoleAssignment {
  /** The object id, the token's `oid`. */
  principalId: string
  /** The role's name: `EventGrid Data Sender`. */
  role: string
}
