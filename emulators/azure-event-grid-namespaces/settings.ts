import type { Attribute } from './templates.ts'

/** The configuration's part of this personality, as schemas.ts checks it. */
export interface Settings {
  /** @default main */
  space?: string
  topicSpacesConfiguration?: {
    hostname?: string
    /** @default 1 */
    maximumSessionExpiryInHours?: number
    routeTopicResourceId?: string
  }
  /** @default one named `all` with the template `#` */
  topicSpaces?: TopicSpace[]
  /** Besides `$all`, which everybody belongs to. */
  clientGroups?: ClientGroup[]
  /** @default any certificate of the local CA is a client */
  clients?: ClientResource[]
  /** @default `$all` publishes to and subscribes to `all`; none when topicSpaces are given */
  permissionBindings?: PermissionBinding[]
  /** @default the well-known principal holds all */
  roleAssignments?: RoleAssignment[]
  /** @default the well-known namespace key */
  keys?: string[]
  /** @default auto */
  httpPublishSuccess?: 'auto' | 202 | 204
  /** @default false */
  rawUserProperties?: boolean
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

export interface PermissionBinding {
  clientGroupName: string
  topicSpaceName: string
  permission: Permission
}

/** What a binding and a role both grant. */
export type Permission = 'Publisher' | 'Subscriber'

export interface RoleAssignment {
  /** The object id, the token's `oid`. */
  principalId: string
  /** The role's name: `EventGrid TopicSpaces Publisher`. */
  role: string
  /** Absent: the whole namespace. */
  topicSpace?: string
}

export interface ClientResource {
  name: string
  /** @default the name */
  authenticationName?: string
  /** @default Enabled */
  state?: 'Enabled' | 'Disabled'
  clientCertificateAuthentication?: {
    validationScheme: ValidationScheme
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
