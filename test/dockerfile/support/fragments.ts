import fc from 'fast-check';

/** Pieces that Dockerfiles go wrong on, put together at random: lines, their ends, and what stands before the first. */
const heads = [
  ...['', '\uFEFF', '\n', '# comment\n', '# escape=`\n', '#escape = \\\n', '# ESCAPE=`\n', '  # escape=`\n'],
  ...['# check=skip=all\n', '# syntax=docker/dockerfile:1\n', '#syntax=a/b:1 x\n', '# unknown=x\n', '#\n'],
  ...[
    '# escape=x\n',
    '# escape=`\n# escape=`\n',
    '#!/bin/sh\n',
    '// syntax=x/y\n',
    '#\u00a0escape=`\n',
    '# a = b\n',
  ],
  ...['# escape=` \n', '#\vescape=`\n', '# syntax = x\r\n', '# syntax=x\n# syntax=y\n', '# escape=`\r\n'],
];
const froms = [
  ...['FROM good', 'FROM good AS a', 'from evil as B', 'FROM evil', 'FROM a', 'FROM "good:${V}"', 'FROM'],
  ...['FROM --platform=$BUILDPLATFORM good AS a-b.c_d', 'FROM good AS 1a', 'FROM good as', 'FROM a b c d'],
  ...[
    'FROM --platform good',
    'FROM good aſ x',
    'FROM good AS bu\u0130ld',
    '\u00a0FROM evil',
    'FROM\u00a0evil',
  ],
  ...[
    '\vFROM\vevil',
    'FROM good \\',
    'FROM \\',
    'FROM --unknown=x good',
    'FROM --platform=a --platform=b good',
  ],
  ...['FROM -- good', 'FROM good AS "a"', 'FROM good AS a # x', 'ONBUILD FROM x', 'FROM good AS \u212a'],
  ...['FROM `', 'FROM evil `', 'fr\\', 'om evil', 'FROM --platform="a b" good', 'FROM\tevil\tAS\tq'],
];
const runs = [
  ...['RUN x', 'RUN <<EOF', 'RUN <<-EOF', 'RUN <<"EOF"', "RUN <<'E F'", 'RUN cat <<A <<B', 'RUN 3<<EOF cat'],
  ...['RUN cat << EOF', 'RUN cat <<<EOF', 'RUN echo "cat <<EOF"', "RUN echo '<<EOF", 'RUN ["sh","<<EOF"]'],
  ...[
    'RUN ["a", 1]',
    'RUN [1e999, <<EOF',
    'RUN ["a"] <<EOF',
    'RUN echo $((1 <<n))',
    'RUN echo x \\\\',
    'RUN x \\',
  ],
  ...[
    'RUN x `',
    'RUN x ``',
    'RUN x \\\\\\',
    'RUN x \\ \t',
    'RUN x \\\r',
    'RUN <<EOF|sh',
    'RUN <<EOF; x',
    'RUN <<\\EOF',
  ],
  ...[
    'RUN ${x:-1} <<EOF',
    'RUN <<${x:-EOF}',
    'RUN <<$EOF',
    'RUN ${ <<EOF',
    'RUN ${x-1} <<EOF',
    'RUN ${x#a} <<EOF',
  ],
  ...[
    'RUN <<end-of.file',
    'RUN <<EOF<<EOF',
    'RUN \\<<EOF',
    'RUN x # <<EOF',
    'RUN --mount=from=a,type=bind x',
  ],
  ...[
    'RUN --mount=type=secret,id=x x',
    'RUN --mount=from=$X x',
    'RUN "--mount=from=b" x',
    'RUN --mount="from=a,target=/x" x',
  ],
  ...[
    "RUN --mount='type=cache,from=c' x",
    'RUN --mount=\\"from=a\\",b x',
    'RUN --mount=from=a --mount=FROM=b x',
  ],
  ...[
    'RUN --mount=x',
    'RUN --mount= x',
    'RUN --mount x',
    'RUN --network=none x',
    'RUN --bogus x',
    'RUN',
    'RUN <<',
  ],
  ...[
    'RUN <<""',
    'RUN <<"',
    'RUN <<RUN',
    'RUN <<"RUN true"',
    'RUN <<"# x"',
    'RUN \u0000',
    'RUN --mount=fr\\om=a x',
  ],
  ...[
    'RUN --mount=from=à,type=bind x',
    'RUN -- <<EOF',
    'RUN --mount=from=a"b" x',
    'RUN --security=sandbox --x=1 x',
  ],
  ...[
    'RUN ["sh", "-c", "x" \\',
    "RUN <<EOF x <<'F'",
    'RUN "<<EOF" <<F',
    'RUN <<-"EOF" x',
    'RUN a<<EOF',
    'RUN 1 << EOF',
  ],
];
const copies = [
  ...[
    'COPY f "/x <<E"',
    'COPY --from=a x y',
    'COPY --from=0 x y',
    'COPY --from="evil:1" x y',
    'COPY x --from=a y',
  ],
  ...[
    'COPY --chown=1 --from=ev\\il x y',
    'COPY --from=$V x y',
    'COPY --from=a --from=b x y',
    'COPY --from= x y',
  ],
  ...[
    'COPY --from x y',
    'COPY ["a","b"]',
    'COPY --from=a ["x","y"]',
    'COPY --link --from=b x y',
    'COPY --link=maybe x y',
  ],
  ...[
    'COPY <<EOF /x',
    'COPY <<A <<B /x/',
    'COPY x <<EOF',
    'COPY x',
    'COPY --from=a',
    'COPY <<-EOF /x',
    'copy --FROM=a x y',
  ],
  ...[
    'COPY --from=a\\ b x y',
    "COPY --from='a b' x y",
    'COPY --from=ev`il x y',
    'COPY -- --from=a y',
    'COPY --from=a\u00a0x y z',
  ],
  ...[
    'COPY --parents --exclude=a --exclude=b --from=c x y',
    'COPY "<<EOF" /x',
    'COPY ["<<EOF", "x"]',
    'COPY --from=\\',
  ],
  ...[
    'ADD <<F /x',
    'ADD https://a/b /c',
    'ADD --from=a x y',
    'ADD --checksum=x git@a:b /c',
    'ADD x',
    'ADD ["https://a", "b"]',
  ],
];
const others = [
  ...[
    'ARG V',
    'ARG V=1',
    'ARG A="x y" B=\'z\'',
    'ARG =x',
    'ARG',
    'ARG V=a\\ b',
    'ARG V="a',
    'ENV X=<<EOF',
    'ENV X',
    'ENV X y',
  ],
  ...[
    'ENV a=b c',
    'LABEL a=b',
    'LABEL <<EOF=x',
    'ONBUILD RUN <<EOF',
    'ONBUILD COPY --from=a x y',
    'ONBUILD',
    'ONBUILD ONBUILD x',
  ],
  ...[
    'ONBUILD RUN ["<<EOF"]',
    'ONBUILD BOGUS',
    'ONBUILD --x RUN y',
    'WORKDIR /x',
    'USER',
    'CMD <<EOF',
    'CMD ["a',
    'ENTRYPOINT',
  ],
  ...[
    'HEALTHCHECK NONE',
    'HEALTHCHECK CMD <<EOF',
    'HEALTHCHECK',
    'SHELL sh',
    'SHELL ["sh"]',
    'VOLUME',
    'EXPOSE 1',
    'STOPSIGNAL',
  ],
  ...[
    'MAINTAINER x',
    'BOGUS x',
    'EOF',
    'A',
    'B',
    '\tEOF',
    'E F',
    'EOF ',
    ' EOF',
    '$EOF',
    'end-of.file',
    'F',
    'n))',
    'RUN true',
  ],
  ...[
    '# x',
    ' # x',
    '',
    ' ',
    '\t',
    '\u00a0',
    '\\',
    '`',
    '# x \\',
    ' \\ ',
    'x',
    '\u0085',
    'COPY x y \\',
    'RUN\\',
    '\uFEFFFROM evil',
  ],
];
const ends = ['\n', '\n', '\n', '\n', '\r\n', '\r\n', '\r\r\n', ' \n', '\\\n', ' \\\n', '\\\r\n', '`\n'];

const line = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...froms) },
      { weight: 4, arbitrary: fc.constantFrom(...runs) },
      { weight: 3, arbitrary: fc.constantFrom(...copies) },
      { weight: 4, arbitrary: fc.constantFrom(...others) },
    ),
    fc.constantFrom(...ends),
  )
  .map((parts) => parts.join(''));

const valid = fc.constantFrom(
  'FROM good AS a\n',
  'FROM good\n',
  'FROM good AS b\r\n',
  'ARG V=1\nFROM good AS c\n',
);

/** Mostly begins well, so that what follows is looked at. */
export const dockerfile: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(fc.constant(''), fc.constantFrom(...heads)),
    fc.oneof({ weight: 6, arbitrary: valid }, { weight: 1, arbitrary: line }),
    fc.array(line, { maxLength: 4 }),
    fc.constantFrom(
      '',
      'EOF\n',
      'FROM evil\n',
      'FROM evil',
      'EOF\nFROM evil\n',
      'EOF\nA\nB\nFROM evil\n',
      'RUN x \\',
    ),
  )
  .map(([head, first, lines, last]) => [head, first, ...lines, last].join(''));
