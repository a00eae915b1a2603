import type { Clock, Ids } from '@fogbank/core'
import type { HttpOut } from '@fogbank/personality'
import { toScopeId, type Subscription } from './subscription.ts'
import { toAegHeaders, urlOf } from './webhook.ts'

/** Tells a webhook that its subscription is gone; what it answers does not matter. CloudEvents know no such thing. */
export async function sendDeletion(
  http: HttpOut,
  { clock, ids }: { clock: Clock; ids: Ids },
  subscription: Subscription
): Promise<void> {
  if (subscription.azureResource || subscription.schema === 'CloudEventSchemaV1_0') return
  const event = {
    id: ids.uuid(),
    topic: toScopeId(subscription.scope),
    subject: '',
    data: { eventSubscriptionId: subscription.id },
    eventType: 'Microsoft.EventGrid.SubscriptionDeletedEvent',
    eventTime: new Date(clock.now()).toISOString(),
    metadataVersion: '1',
    dataVersion: '1'
  }
  await http.send({
    method: 'POST',
    url: urlOf(subscription),
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ...toAegHeaders(subscription, {
        eventType: 'SubscriptionDeletion',
        deliveryCount: 0,
        dataVersion: '1',
        metadataVersion: '1'
      })
    },
    body: JSON.stringify([event])
  })
}
