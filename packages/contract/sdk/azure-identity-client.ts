// A user's program: asks each credential of @azure/identity for a token, and prints whose it is.
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  type TokenCredential
} from '@azure/identity'

const SCOPE = 'https://eventgrid.azure.net/.default'
const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = process.env
const { FOGBANK_TEST_CERTIFICATE = '' } = process.env

async function oidOf(credential: TokenCredential): Promise<string> {
  const answer = await credential.getToken(SCOPE)
  const claims = Buffer.from(answer!.token.split('.')[1]!, 'base64url').toString()
  return (JSON.parse(claims) as { oid: string }).oid
}

async function exchangeToken(): Promise<string> {
  const answer = await new ManagedIdentityCredential().getToken('api://AzureADTokenExchange')
  return answer.token
}

const secret = (text: string) => new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, text)
const outcomes: Record<string, string> = {
  secret: await oidOf(secret(AZURE_CLIENT_SECRET)),
  environment: await oidOf(new EnvironmentCredential()),
  default: await oidOf(new DefaultAzureCredential()),
  certificate: await oidOf(
    new ClientCertificateCredential(AZURE_TENANT_ID, 'certificate', FOGBANK_TEST_CERTIFICATE)
  ),
  assertion: await oidOf(
    new ClientAssertionCredential(AZURE_TENANT_ID, 'federated', exchangeToken)
  ),
  'app service': await oidOf(new ManagedIdentityCredential()),
  'app service by client id': await oidOf(new ManagedIdentityCredential({ clientId: 'user' })),
  wrong: await oidOf(secret('wrong')).catch((error: Error) => error.message)
}
// Without App Service's variables a program takes itself to be on a virtual machine.
delete process.env.IDENTITY_ENDPOINT
delete process.env.IDENTITY_HEADER
outcomes.imds = await oidOf(new ManagedIdentityCredential())
outcomes['imds by client id'] = await oidOf(new ManagedIdentityCredential({ clientId: 'user' }))
console.log(JSON.stringify(outcomes))
