import { needing } from './tools.ts';
import type { Need } from './tools.ts';

/** `DOCKER_HOST` form; set by the test runner, which starts a private engine where it may. */
export const engineHost: string | undefined =
  process.env.AMLPROMOTE_TEST_DOCKER_HOST ?? process.env.DOCKER_HOST;

export const engine: Need = { name: 'a Docker engine', isHere: engineHost !== undefined };

/** A test against the real engine. */
export const engineTest = needing(engine);
