import test from 'ava';

/** `DOCKER_HOST` form; set by the test runner, which starts a private engine where it may. */
export const engineHost: string | undefined =
  process.env.AMLPROMOTE_TEST_DOCKER_HOST ?? process.env.DOCKER_HOST;

/** `test`, or a visible skip where there is no engine: write "(needs a Docker engine)" into the title. */
export const testWithEngine = engineHost === undefined ? test.skip : test;
