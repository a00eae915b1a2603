/** `topicSpacesConfiguration.clientAuthentication`, in the names of the ARM resource. */
export interface ClientAuthenticationSettings {
  /** @default none, or ClientCertificateSubject where the registry is open */
  alternativeAuthenticationNameSources?: NameSource[]
}

/** Fields of a certificate that stand in for a username. */
export type NameSource =
  | 'ClientCertificateSubject'
  | 'ClientCertificateDns'
  | 'ClientCertificateUri'
  | 'ClientCertificateIp'
  | 'ClientCertificateEmail'
