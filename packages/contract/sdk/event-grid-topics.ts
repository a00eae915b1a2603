// What the programs of every language publish to: a topic of each input schema.

export const TOPICS = 'azure-event-grid-topics'

export const TOPIC_SETTINGS = {
  topics: [
    { name: 'orders' },
    { name: 'cloud', inputSchema: 'CloudEventSchemaV1_0' },
    {
      name: 'custom',
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: { subject: { sourceField: 'sub' }, eventType: { defaultValue: 'Any' } }
    }
  ]
}
