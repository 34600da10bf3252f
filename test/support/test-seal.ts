import { hmacSeal } from '../../src/adapters/seal/hmac.ts';
import type { Seal } from '../../src/ports/seal.ts';

/** The seal of a machine; machines of other names have other keys. */
export const testSeal = (machine = 'this machine'): Seal => hmacSeal(Buffer.from(machine));
