/** The personality's id. */
export const PERSONALITY = 'azure-event-grid-namespaces'
