import * as z from 'zod';
import { isEnvironmentName } from '../../domain/names.ts';
import type { ResolvePath } from './fields.ts';
import { duration, filled, identifier, text } from './fields.ts';

const uriType = z.enum(['uri_file', 'uri_folder']);

const jobOutput = z.strictObject({
  job: text(isEnvironmentName, 'is not an environment name').describe(
    'Environment whose smoke job is meant: the last one that this machine ran and saw complete.',
  ),
  output: identifier.describe("Name of that job's output."),
});

const fileNamePattern = /(?:^|\/)[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

const inputSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      type: z.enum(['uri_file', 'uri_folder', 'literal']).exactOptional(),
      path: z
        .union([filled(4096), jobOutput])
        .exactOptional()
        .describe(
          'A local file of at most 1 MiB, relative to this file; or the output of another smoke job.',
        ),
      value: z.string().max(4096).exactOptional().describe('Literal text.'),
    })
    .superRefine((input, context) => {
      const problem = problemOfInput(input);
      if (problem) context.addIssue({ code: 'custom', message: problem });
    })
    .transform(({ type, path, value }) => {
      if (path === undefined) return { type: 'literal' as const, value: value ?? '' };
      if (typeof path === 'string') return { type: 'uri_file' as const, file: resolve(path) };
      const uri = type === 'uri_folder' ? ('uri_folder' as const) : ('uri_file' as const);
      return { type: uri, job: path.job, output: path.output };
    })
    .meta({ oneOf: [{ required: ['type', 'path'] }, { required: ['value'] }] });

function problemOfInput(input: {
  type?: 'uri_file' | 'uri_folder' | 'literal';
  path?: string | object;
  value?: string;
}): string | undefined {
  const { type, path, value } = input;
  if ((path === undefined) === (value === undefined)) return 'must have exactly one of path and value';
  if (value !== undefined)
    return type === undefined || type === 'literal' ? undefined : `type ${type} needs a path, not a value`;
  if (type === undefined || type === 'literal') return 'a path needs type: uri_file or uri_folder';
  if (typeof path !== 'string') return undefined;
  if (type === 'uri_folder')
    return 'a local path needs type: uri_file (a folder can only come from another job)';
  return fileNamePattern.test(path)
    ? undefined
    : 'the file name may have letters, digits, ".", "_" and "-" only, for it travels with the release';
}

/** The job that proves that the image runs there. */
export const smokeSchema = (resolve: ResolvePath) =>
  z
    .strictObject({
      command: filled(16_384)
        .describe('What the job runs, with ${{inputs.NAME}} and ${{outputs.NAME}}.')
        .meta({ examples: ['python train.py --data ${{inputs.data}} --out ${{outputs.model}}'] }),
      inputs: z.record(identifier, inputSchema(resolve)).default({}),
      outputs: z.record(identifier, z.strictObject({ type: uriType.default('uri_folder') })).default({}),
      timeout: duration(1, 604_800).prefault('10m').describe('How long the job may take, e.g. 10m.'),
    })
    .superRefine(({ command, inputs, outputs }, context) => {
      for (const [whole, inner = ''] of command.matchAll(/\$\{\{(.*?)\}\}/g)) {
        const [, kind, name = ''] = /^\s*(inputs|outputs)\.([A-Za-z_]\w*)\s*$/.exec(inner) ?? [];
        const declared = kind === 'inputs' ? inputs : outputs;
        if (kind && Object.hasOwn(declared, name)) continue;
        const message = kind
          ? `names ${whole}, which smoke.${kind} does not declare`
          : `has ${whole}; write \${{inputs.NAME}} or \${{outputs.NAME}}`;
        context.addIssue({ code: 'custom', path: ['command'], message });
      }
    })
    .transform(({ timeout, ...rest }) => ({ ...rest, timeoutSeconds: timeout }));
