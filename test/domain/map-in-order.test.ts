import test from 'ava';
import fc from 'fast-check';
import { mapInOrder } from '../../src/domain/map-in-order.ts';

/** Turns of the event loop. */
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const tasks = fc.array(fc.record({ turns: fc.nat({ max: 5 }), fails: fc.boolean() }), { maxLength: 30 });

test('results are in order, whatever takes how long; at most so many run, and of failures the earliest is thrown', async (t) => {
  await fc.assert(
    fc.asyncProperty(tasks, fc.integer({ min: 1, max: 6 }), async (all, most) => {
      let running = 0;
      const begun: number[] = [];
      const work = async (index: number): Promise<number> => {
        begun.push(index);
        running += 1;
        t.true(running <= most);
        await turns(all[index]?.turns ?? 0);
        running -= 1;
        if (all[index]?.fails === true) throw new RangeError(String(index));
        return index * 2;
      };
      const outcome = await mapInOrder([...all.keys()], most, work).catch((error: unknown) => error);
      t.is(running, 0);
      t.deepEqual(begun, [...begun.keys()]);
      const first = all.findIndex(({ fails }) => fails);
      if (first < 0)
        t.deepEqual(
          outcome,
          all.map((_, index) => index * 2),
        );
      else t.is((outcome as Error).message, String(first));
    }),
  );
});

test('none begins after a failure', async (t) => {
  let begun = 0;
  await t.throwsAsync(
    mapInOrder([1, 2, 3], 1, async () => {
      begun += 1;
      throw new RangeError('no');
    }),
    { instanceOf: RangeError },
  );
  t.is(begun, 1);
});
