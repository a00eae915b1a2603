#!/usr/bin/env node
// `npx fogbank` in a clone: the command from its sources. The published one is launcher.cjs.
import 'tsx'

await import('./main.ts')
