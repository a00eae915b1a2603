import type { MqttPolicy } from '@fogbank/core'
import type { Hono } from 'hono'
import { createApp, createNodeHandler, type NodeHandler } from './app.ts'
import type { PersonalityContext } from './context.ts'
import type { Faults } from './faults.ts'
import type { PersonalityDefinition, PersonalityDescription } from './personality.ts'
import { createPipeline, type Pipeline } from './pipeline.ts'

/** A personality at work. */
export interface RunningPersonality {
  definition: PersonalityDefinition
  /** HTTP in memory. */
  app: Hono
  /** HTTP over sockets. */
  handle: NodeHandler
  /** The pipeline itself, for upgrades. */
  answer: Pipeline
  faults: Faults
  description: PersonalityDescription
  /** The rules of its MQTT door; absent: it has none. */
  mqtt: MqttPolicy<any> | undefined
  /** Its part of the control port; absent: it has none. */
  control: Hono<any> | undefined
  /** Its ports are open; this is where others reach it. */
  started(http: string): void
  reset(): Promise<void>
  /** Answers calls that only wait. */
  drain(): void
  close(): Promise<void>
}

/** Brings a definition to life over a core. */
export async function startPersonality(
  definition: PersonalityDefinition,
  context: PersonalityContext
): Promise<RunningPersonality> {
  const state = await definition.create(context)
  const { answer, faults } = createPipeline(definition, context, state)
  return {
    definition,
    app: createApp(answer),
    handle: createNodeHandler(answer),
    answer,
    faults,
    description: definition.describe(state),
    mqtt: definition.mqtt?.(state),
    control: definition.control?.(state),
    started: (http) => definition.started?.(state, http),
    async reset() {
      faults.clear()
      await definition.reset?.(state)
    },
    drain: () => definition.drain?.(state),
    async close() {
      await definition.close?.(state)
    }
  }
}
