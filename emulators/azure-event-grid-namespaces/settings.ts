import type { ClientAuthenticationSettings } from './authentication/settings.ts'
import type { Attribute } from './templates.ts'
import type { TopicSettings } from './topics/settings.ts'

/** The configuration's part of this personality, as schemas.ts checks it: the default namespace, and others. */
export interface Settings extends NamespaceSettings {
  /** Of the default namespace. @default default */
  name?: string
  namespaces?: (NamespaceSettings & { name: string })[]
}

export interface NamespaceSettings {
  /** @default main for the default namespace, one of its own for any other */
  space?: string
  topicsConfiguration?: { hostname?: string }
  /** @default one named `default` with a queue subscription `default` */
  topics?: TopicSettings[]
  /** Whether Receive takes a `maxWaitTime` below the service's minimum. @default false */
  allowShortWait?: boolean
  topicSpacesConfiguration?: {
    hostname?: string
    clientAuthentication?: ClientAuthenticationSettings
    /** @default 1 */
    maximumSessionExpiryInHours?: number
    /** @default 1 */
    maximumClientSessionsPerAuthenticationName?: number
    /** `/topics/NAME`, or the ARM id of a namespace topic or a custom topic of this suite. */
    routeTopicResourceId?: string
    routingEnrichments?: RoutingEnrichments
    /** Where lifecycle events go, as `routeTopicResourceId`; the service has a system topic for that. */
    lifecycleEventsTopicResourceId?: string
  }
  /** @default one named `all` with the template `#` */
  topicSpaces?: TopicSpace[]
  /** Besides `$all`, which everybody belongs to. */
  clientGroups?: ClientGroup[]
  clients?: ClientResource[]
  /** Whether any certificate of the local CA is a client. @default true without clients */
  openRegistry?: boolean
  /** Issuers of client certificates, besides the local CA. */
  caCertificates?: CaCertificate[]
  /** @default `$all` publishes to and subscribes to `all`; none when topicSpaces are given */
  permissionBindings?: PermissionBinding[]
  /** @default the well-known principal holds all */
  roleAssignments?: RoleAssignmentSettings[]
  /** @default the well-known namespace key */
  keys?: string[]
  /** `capacity` is the number of throughput units. @default 1 */
  sku?: { name?: string; capacity?: number }
  /** Disabled: nobody comes in. @default Enabled */
  publicNetworkAccess?: 'Enabled' | 'Disabled'
  /** Absent: everybody comes in. */
  inboundIpRules?: { ipMask: string; action?: 'Allow' }[]
  /** Whether messages may be retained. @default true */
  retain?: boolean
  /** Whether what is over the throughput of the sku is refused. @default false */
  enforceQuotas?: boolean
  /** @default auto */
  httpPublishSuccess?: 'auto' | 202 | 204
  /** @default false */
  rawUserProperties?: boolean
}

/** Extension attributes of routed events. */
export interface RoutingEnrichments {
  static?: { key: string; value: string; valueType?: string }[]
  dynamic?: { key: string; value: string }[]
}

export interface TopicSpace {
  name: string
  topicTemplates: string[]
}

export interface ClientGroup {
  name: string
  /** `attributes.kind = 'meter' and attributes.floor > 2` */
  query: string
}

export interface CaCertificate {
  name: string
  /** PEM, on one line or several. */
  encodedCertificate: string
}

export interface PermissionBinding {
  name?: string
  clientGroupName: string
  topicSpaceName: string
  permission: Permission
}

/** What a binding and a role both grant. */
export type Permission = 'Publisher' | 'Subscriber'

/** In our own words, or as ARM has it, or as `az role assignment list` shows it; the rest is not looked at. */
export interface RoleAssignmentSettings extends Partial<RoleAssignment>, RoleAssignmentOfArm {
  id?: string
  type?: string
  /** The role's name, beside its id. */
  roleDefinitionName?: string
  properties?: RoleAssignmentOfArm
}

export interface RoleAssignmentOfArm {
  principalId?: string
  /** `/subscriptions/…/providers/Microsoft.Authorization/roleDefinitions/GUID`. */
  roleDefinitionId?: string
  /** Resource id of a namespace, of a topic space or topic of one, or of what it is in. */
  scope?: string
}

export interface RoleAssignment {
  name?: string
  /** The object id, the token's `oid`. */
  principalId: string
  /** The role's name: `EventGrid TopicSpaces Publisher`. */
  role: string
  /** Absent: the whole namespace. */
  topicSpace?: string
  /** For the data roles. Absent: the whole namespace. */
  topic?: string
}

export interface ClientResource {
  name: string
  /** @default the name */
  authenticationName?: string
  /** @default Enabled */
  state?: 'Enabled' | 'Disabled'
  clientCertificateAuthentication?: {
    /** @default SubjectMatchesAuthenticationName */
    validationScheme?: ValidationScheme
    /** One or two, SHA-1 or SHA-256; with ThumbprintMatch only. */
    allowedThumbprints?: string[]
  }
  attributes?: Record<string, Attribute>
}

export type ValidationScheme =
  | 'SubjectMatchesAuthenticationName'
  | 'DnsMatchesAuthenticationName'
  | 'UriMatchesAuthenticationName'
  | 'IpMatchesAuthenticationName'
  | 'EmailMatchesAuthenticationName'
  | 'ThumbprintMatch'
