import type { PersonalityDefinition } from '@fogbank/personality'
import { awsIot } from '@fogbank/aws-iot'
import { azureEventGridNamespaces } from '@fogbank/azure-event-grid-namespaces'
import { azureEventGridTopics } from '@fogbank/azure-event-grid-topics'
import { azureWebPubSub } from '@fogbank/azure-web-pubsub'
import { shiftr } from '@fogbank/shiftr'

/** Every personality that is served: one import, one line. */
export const personalities: readonly PersonalityDefinition[] = [
  awsIot,
  azureEventGridNamespaces,
  azureEventGridTopics,
  azureWebPubSub,
  shiftr
]
