import type { PersonalityDefinition } from '@fogbank/personality'
import { awsIot } from '@fogbank/aws-iot'

/** Every personality that is served: one import, one line. */
export const personalities: readonly PersonalityDefinition[] = [awsIot]
