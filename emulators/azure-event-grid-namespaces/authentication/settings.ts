/** `topicSpacesConfiguration.clientAuthentication`, in the names of the ARM resource. */
export interface ClientAuthenticationSettings {
  /** @default none, or ClientCertificateSubject where the registry is open */
  alternativeAuthenticationNameSources?: NameSource[]
  /** Absent: CUSTOM-JWT is no method of this namespace. */
  customJwtAuthentication?: CustomJwtSettings
  /** It decides in place of all the rest. */
  webHookAuthentication?: WebhookSettings
  /** The same, as some pages of the vendor spell it. */
  webhookAuthentication?: WebhookSettings
}

/** Whom a namespace asks who its clients are. */
export interface WebhookSettings {
  endpointUrl: string
  endpointBaseUrl?: string
  identity?: object
  /** `api://…`: what the token on the request is for. */
  azureActiveDirectoryApplicationIdOrUri: string
  /** Whose token that is. */
  azureActiveDirectoryTenantId: string
}

/** Who issues tokens for CUSTOM-JWT, and how they are checked. */
export interface CustomJwtSettings {
  /** The `iss` of the tokens. */
  tokenIssuer: string
  /** In a Key Vault, which is not here: what `certificateUrl` leads to stands beside it, as PEM. */
  issuerCertificates?: { certificateUrl: string; identity?: object; encodedCertificate?: string }[]
  encodedIssuerCertificates?: { kid: string; encodedCertificate: string }[]
}

/** Fields of a certificate that stand in for a username. */
export type NameSource =
  | 'ClientCertificateSubject'
  | 'ClientCertificateDns'
  | 'ClientCertificateUri'
  | 'ClientCertificateIp'
  | 'ClientCertificateEmail'
