import test from 'ava';
import type { Digest } from '../../src/domain/digest.ts';
import { AmlpromoteError, isRefusal } from '../../src/domain/errors.ts';
import { openGolden } from '../support/golden.ts';
import { goldenReceipts, goldenReleases, policyDigests } from './facts.ts';
import type { GoldenName } from './facts.ts';

/** With what 0.1.0 left inside: final repositories, quarantine, receipts, locks, environments. */
const admitted: readonly GoldenName[] = ['churn-train-1.4.0', 'churn-train-1.5.0', 'churn-score-1.0.0'];
/** The newest of each repository: nothing later was admitted. */
const newest: readonly GoldenName[] = ['churn-train-1.5.0', 'churn-score-1.0.0'];

const receiptOf = (name: GoldenName): Digest | undefined =>
  Object.values(goldenReceipts)
    .flat()
    .find(({ about }) => about === name)?.digest;

for (const name of newest) {
  test(`${name}: verified inside, every rule allows it`, async (t) => {
    const golden = await openGolden();
    const report = await golden.verify('final', await golden.document(name));
    t.deepEqual(
      report.rules.filter(({ verdict }) => verdict !== 'allowed'),
      [],
    );
    t.is(report.verdict, 'allowed');
    t.is(report.image?.digest, goldenReleases[name].image);
    t.is(report.policyDigest, policyDigests.inside);
  });

  test(`${name}: import again is done already and changes nothing`, async (t) => {
    const golden = await openGolden();
    const before = await golden.state(golden.sec);
    const report = await golden.inside().import(await golden.document(name));
    t.true(report.already);
    t.is(report.transfers, 0);
    t.is(receiptOf(name), report.receipt);
    t.is(report.reference, referenceOf(name));
    t.deepEqual(golden.transfers, []);
    t.deepEqual(await golden.state(golden.sec), before);
  });

  test(`${name}: register again is done already`, async (t) => {
    const golden = await openGolden();
    const inside = await golden.insideWithWorkspace(t);
    const report = await inside.register(await golden.document(name), {});
    t.true(report.already);
    t.is(report.image, referenceOf(name));
  });
}

for (const name of [...admitted, 'churn-score-1.0.0-first'] satisfies readonly GoldenName[]) {
  test(`${name}: but for what came later, every rule allows it inside`, async (t) => {
    const golden = await openGolden();
    const report = await golden.verify('alone', await golden.document(name));
    t.deepEqual(
      report.rules.filter(({ rule, verdict }) => rule !== 'rollback' && verdict !== 'allowed'),
      [],
    );
    t.is(report.image?.digest, goldenReleases[name].image);
  });
}

test('the rollback rule sees the highest counter in the receipts', async (t) => {
  const golden = await openGolden();
  const { rules } = await golden.verify('final', await golden.document('churn-train-1.4.0'));
  const rollback = rules.find(({ rule }) => rule === 'rollback');
  t.is(rollback?.verdict, 'refused');
  t.deepEqual(rollback?.evidence, [receiptOf('churn-train-1.5.0')]);
  t.regex(rollback?.reasons[0]?.detail ?? '', /release 1\b.*release 3\b/);
});

test('an older release is not admitted again', async (t) => {
  const golden = await openGolden();
  const before = await golden.state(golden.sec);
  const error = await t.throwsAsync(golden.inside().import(await golden.document('churn-train-1.4.0')), {
    instanceOf: AmlpromoteError,
  });
  t.is(error.code, 'ROLLBACK');
  t.deepEqual(await golden.state(golden.sec), before);
});

for (const [repository, expected] of Object.entries(goldenReceipts)) {
  test(`${repository}: the receipts are read and believed`, async (t) => {
    const golden = await openGolden();
    const receipts = await golden.receipts(repository);
    t.deepEqual(
      receipts.map(({ descriptor }) => descriptor.digest),
      expected.map(({ digest }) => digest),
    );
    for (const [at, { about, highest }] of expected.entries()) {
      const fact = goldenReleases[about];
      const receipt = receipts[at]!;
      t.is(receipt.result, 'PASSED');
      t.is(receipt.signer, 'receipt');
      t.is(receipt.toolVersion, '0.1.0');
      t.is(receipt.policyDigest, policyDigests.inside);
      t.is(receipt.image.digest, fact.image);
      t.is(receipt.highest, highest);
      t.is(receipt.resource, referenceOf(about));
      t.deepEqual(receipt.release, {
        name: fact.repository.replace('ml/', ''),
        version: fact.version,
        release: fact.counter,
        repository: fact.repository,
        index: fact.index,
      });
      t.true(receipt.inputs.includes(fact.index));
      t.deepEqual(
        receipt.previous,
        expected.slice(0, at).map(({ digest }) => digest),
      );
    }
    t.is(await golden.highest(repository), Math.max(...expected.map(({ highest }) => highest)));
  });
}

test('the refused release is refused in quarantine by its findings, and by nothing else but its age', async (t) => {
  const golden = await openGolden();
  const report = await golden.verify('quarantine', await golden.document('churn-train-1.4.1'));
  t.is(report.verdict, 'refused');
  const against = report.rules.filter(({ verdict }) => verdict === 'refused').map(({ rule }) => rule);
  t.deepEqual(
    against.filter((rule) => rule !== 'rollback'),
    ['findings'],
  );
  const findings = report.rules.find(({ rule }) => rule === 'findings');
  const decided = findings?.reasons.filter(({ verdict }) => verdict === 'refused') ?? [];
  t.is(decided.length, 1);
  t.regex(`${decided[0]!.subject} ${decided[0]!.detail}`, /GOLDEN-0003/);
});

test('the refused release left nothing in the final repository', async (t) => {
  const golden = await openGolden();
  const { repository, index, image, version } = goldenReleases['churn-train-1.4.1'];
  const final = golden.sec.repository(repository);
  for (const reference of [index, image, version, 'release-2'])
    t.is(await final.resolve(reference), undefined, reference);
  const report = await golden.verify('final', await golden.document('churn-train-1.4.1'));
  t.is(report.verdict, 'inconclusive');
});

test('the refused release is refused again, and nothing comes into the final repository', async (t) => {
  const golden = await openGolden();
  const before = await golden.state(golden.sec);
  const error = await t.throwsAsync(golden.inside().import(await golden.document('churn-train-1.4.1')));
  t.true(isRefusal(error));
  t.deepEqual(await golden.state(golden.sec), before);
});

const referenceOf = (name: GoldenName): string =>
  `contososec.azurecr.io/${goldenReleases[name].repository}@${goldenReleases[name].image}`;
