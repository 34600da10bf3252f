import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { AmlpromoteError } from '../domain/errors.ts';
import type { Progress } from '../domain/events.ts';
import { createProgress } from './progress.ts';
import { canDraw, readSettings, wantsColor } from './settings.ts';
import { watchSilence } from './silence.ts';
import type { SettingFlags } from './settings.ts';
import type { Inside } from '../sides/inside.ts';
import type { Outside } from '../sides/outside.ts';
import type { Context } from './wiring.ts';
import { errorBody, renderBug, renderError, reportBug, systemError } from './error.ts';
import type { ErrorBody } from './error.ts';

/** An error as the contract prints it under `--json`. */
export interface ErrorDocument {
  readonly error: ErrorBody;
}

/**
 * What all commands share: the common flags, settings, progress on stderr, one JSON document on stdout under `--json`,
 * exit codes, and an AbortSignal that Ctrl-C fires.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    zones: Flags.string({
      description: 'zones manifest',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      env: 'AMLPROMOTE_ZONES',
    }),
    policy: Flags.string({
      description: 'policy of the side that the command runs on',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      env: 'AMLPROMOTE_POLICY',
    }),
    key: Flags.string({
      description: 'signing key, PKCS #8 PEM',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      env: 'AMLPROMOTE_KEY',
    }),
    certificate: Flags.string({
      description: 'certificate chain of the key, PEM, leaf first',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      env: 'AMLPROMOTE_CERTIFICATE',
    }),
    store: Flags.string({
      description: 'local content store',
      helpGroup: 'GLOBAL',
      helpValue: 'DIR',
      env: 'AMLPROMOTE_STORE',
    }),
    database: Flags.string({
      description: 'advisory database (OSV export)',
      helpGroup: 'GLOBAL',
      helpValue: 'DIR',
      env: 'AMLPROMOTE_DATABASE',
    }),
  };

  readonly #abort = new AbortController();
  readonly #onSignal = (): void => {
    // A second Ctrl-C does not wait for a tidy end; what is done is resumable anyway.
    if (this.#abort.signal.aborted) process.exit(130);
    process.stderr.write('\ninterrupted: finishing what is under way; press Ctrl-C again to stop at once\n');
    this.#abort.abort(
      new AmlpromoteError('INTERRUPTED', 'interrupted', {
        nextSteps: ['Run the same command again; it goes on where it stopped.'],
      }),
    );
  };

  #unwatch: (() => void) | undefined;

  protected get signal(): AbortSignal {
    return this.#abort.signal;
  }

  protected override async init(): Promise<void> {
    await super.init();
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#unwatch?.();
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    await super.finally(error);
  }

  protected progress(): Progress {
    return createProgress({
      write: (text) => void process.stderr.write(text),
      columns: canDraw(process.stderr.isTTY) ? process.stderr.columns : undefined,
      color: wantsColor(process.stderr.isTTY),
    });
  }

  /** Settings, zones manifest, progress and signal together: what the wiring wants. */
  protected async context(flags: SettingFlags): Promise<Context> {
    const { loadZones } = await import('../manifest/zones.ts');
    const settings = readSettings(flags);
    const progress = this.progress();
    this.#unwatch ??= watchSilence((host, milliseconds, what) =>
      progress({ type: 'waiting', host, milliseconds, what }),
    );
    return {
      settings,
      zones: await loadZones(settings.zones),
      progress,
      signal: this.signal,
    };
  }

  protected async outside(flags: SettingFlags): Promise<Outside> {
    const { openOutside } = await import('./open.ts');
    return await openOutside(await this.context(flags));
  }

  protected async inside(flags: SettingFlags): Promise<Inside> {
    const { openInside } = await import('./open.ts');
    return await openInside(await this.context(flags));
  }

  /** Prints for people; nothing under `--json`, where the returned document is printed instead. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(`${text}\n`);
  }

  /** For results that are an answer, not an error: the document is still printed, the exit code says the verdict. */
  protected conclude(exitCode: number): void {
    process.exitCode = exitCode;
  }

  /** Domain errors exit with their code in both modes, bugs with 1; usage errors go oclif's way. */
  protected override async catch(error: Error & { exitCode?: number }): Promise<unknown> {
    const known = asKnown(error, this.signal);
    if (!known && exitOf(error) !== undefined) return await super.catch(error);
    process.exitCode = known?.exitCode ?? 1;
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(`${known ? renderError(known) : renderBug(error)}\n`);
    return undefined;
  }

  protected override toErrorJson(error: unknown): ErrorDocument {
    const known = asKnown(error, this.signal);
    if (known) return { error: errorBody(known) };
    const message = error instanceof Error ? error.message : String(error);
    const usage = exitOf(error) === 2;
    return {
      error: {
        code: usage ? 'USAGE' : 'INTERNAL',
        message,
        nextSteps: usage ? [`Run amlpromote ${this.id ?? ''} --help.`] : [reportBug],
      },
    };
  }
}

function asKnown(error: unknown, signal: AbortSignal): AmlpromoteError | undefined {
  if (signal.aborted && signal.reason instanceof AmlpromoteError) return signal.reason;
  return error instanceof AmlpromoteError ? error : systemError(error);
}

const exitOf = (error: unknown): number | undefined => {
  const exit = (error as { oclif?: { exit?: unknown } } | undefined)?.oclif?.exit;
  return typeof exit === 'number' ? exit : undefined;
};
