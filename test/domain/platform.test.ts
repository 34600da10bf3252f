import test from 'ava';
import { isSamePlatform } from '../../src/domain/platform.ts';

for (const [one, other] of [
  ['linux/amd64', 'linux/amd64/v1'],
  ['linux/arm64', 'linux/arm64/v8'],
  ['linux/arm64/8', 'linux/arm64/v8'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
] as const)
  test(`${one} and ${other} are one platform`, (t) => t.true(isSamePlatform(one, other)));

for (const [one, other] of [
  ['linux/amd64', 'linux/amd64/v2'],
  ['linux/amd64', 'linux/AMD64'],
  ['linux/amd64', 'windows/amd64'],
  ['linux/arm64', 'linux/arm/v8'],
  ['linux/amd64', 'linux/amd64/v1/x'],
] as const)
  test(`${one} and ${other} are two`, (t) => t.false(isSamePlatform(one, other)));
