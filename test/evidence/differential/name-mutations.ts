import { nameOf } from '../../support/certificate-writer.ts';
import type { Attribute } from '../../support/certificate-writer.ts';
import { usual, leafIs } from './notation-draft.ts';
import type { Mutation } from './notation-draft.ts';

const leafName = (...rdns: readonly (readonly Attribute[])[]) => leafIs({ subject: nameOf(...rdns) });
/** Name attributes that the leaf has in place of the usual ones. */
const names: readonly (readonly [string, readonly (readonly Attribute[])[]])[] = [
  [
    'O twice, the good one last',
    [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Evil']], [['O', 'Contoso']], [['CN', 'release']]],
  ],
  [
    'O twice, the good one first',
    [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso']], [['O', 'Evil']], [['CN', 'release']]],
  ],
  [
    'O twice, the same',
    [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso']], [['O', 'Contoso']], [['CN', 'release']]],
  ],
  [
    'O twice in one RDN',
    [
      [['C', 'JP']],
      [['ST', 'Tokyo']],
      [
        ['O', 'Contoso'],
        ['O', 'Evil'],
      ],
      [['CN', 'release']],
    ],
  ],
  ['CN twice, the good one first', [...usual, [['CN', 'evil']]]],
  ['CN twice, the good one last', [[['CN', 'evil']], ...usual]],
  ['ST twice', [...usual, [['ST', 'Osaka']]]],
  ['C twice', [...usual, [['C', 'US']]]],
  ['OU twice', [...usual, [['OU', 'a']], [['OU', 'b']]]],
  ['SERIALNUMBER twice', [...usual, [['SERIALNUMBER', '1']], [['SERIALNUMBER', '2']]]],
  ['an empty O as well', [...usual, [['O', '']]]],
  ['an empty OU', [...usual, [['OU', '']]]],
  [
    'L, STREET, POSTALCODE, OU, SERIALNUMBER',
    [
      ...usual,
      [['L', 'Chiyoda']],
      [['STREET', '1-1']],
      [['POSTALCODE', '100']],
      [['OU', 'ml']],
      [['SERIALNUMBER', '7']],
    ],
  ],
  [
    'CN and O in one RDN',
    [
      [['C', 'JP']],
      [['ST', 'Tokyo']],
      [
        ['O', 'Contoso'],
        ['CN', 'release'],
      ],
    ],
  ],
  ['an e-mail address', [...usual, [['E', 'a@contoso.test', 0x16]]]],
  ['a domain component', [[['DC', 'contoso', 0x16]], ...usual]],
  ['a user id', [...usual, [['UID', 'release']]]],
  ['a title', [...usual, [['T', 'Dr']]]],
  ['no ST', [[['C', 'JP']], [['O', 'Contoso']], [['CN', 'release']]]],
  ['no O', [[['C', 'JP']], [['ST', 'Tokyo']], [['CN', 'release']]]],
  ['no C', [[['ST', 'Tokyo']], [['O', 'Contoso']], [['CN', 'release']]]],
  ['no CN', [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso']]]],
  ['an empty ST', [[['C', 'JP']], [['ST', '']], [['O', 'Contoso']], [['CN', 'release']]]],
  ['nothing', []],
  ['another order', [[['CN', 'release']], [['O', 'Contoso']], [['ST', 'Tokyo']], [['C', 'JP']]]],
  ['another case', [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'contoso']], [['CN', 'release']]]],
  ['a blank behind O', [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso ']], [['CN', 'release']]]],
  ['a NUL behind O', [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso\0']], [['CN', 'release']]]],
  [
    'O that holds another attribute',
    [[['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso,O=Evil']], [['CN', 'release']]],
  ],
  ['OU that holds =#', [...usual, [['OU', 'a=#b']]]],
  ['OU that begins with #', [...usual, [['OU', '#b']]]],
  ['OU with every special character', [...usual, [['OU', ' ,+"\\<>;=# ']]]],
  ['an empty RDN', [...usual, []]],
];
const stringTags: readonly (readonly [string, number, Buffer | string])[] = [
  ['PrintableString', 0x13, 'Contoso'],
  ['T61String', 0x14, 'Contoso'],
  ['IA5String', 0x16, 'Contoso'],
  ['BMPString', 0x1e, Buffer.from('Contoso', 'utf16le').swap16()],
  ['BMPString that ends in NUL', 0x1e, Buffer.from('Contoso\0', 'utf16le').swap16()],
  ['BMPString of an odd length', 0x1e, 'Contoso'],
  [
    'UniversalString',
    0x1c,
    Buffer.concat([...Buffer.from('Contoso')].map((octet) => Buffer.from([0, 0, 0, octet]))),
  ],
  ['NumericString with letters', 0x12, 'Contoso'],
  ['VisibleString', 0x1a, 'Contoso'],
  ['GeneralString', 0x1b, 'Contoso'],
  ['TeletexString above ASCII', 0x14, Buffer.from([0x43, 0xf6])],
  ['UTF8String that is not UTF-8', 0x0c, Buffer.from([0x43, 0xf6])],
  ['OCTET STRING', 0x04, 'Contoso'],
  ['INTEGER', 0x02, Buffer.from([7])],
];
/** Of the names in certificates and of the subject in the policy. */
export const nameMutations: readonly Mutation[] = [
  // Names.
  ...names.map(([title, rdns]): Mutation => [`subject: ${title}`, leafName(...rdns)]),
  ...stringTags.map(([title, tag, value]): Mutation => [
    `O as ${title}`,
    leafName([['C', 'JP', 0x13]], [['ST', 'Tokyo']], [['O', value, tag]], [['CN', 'release']]),
  ]),
  ...stringTags.map(([title, tag, value]): Mutation => [
    `issuer CN as ${title}`,
    (draft) => {
      const name = nameOf([['C', 'JP', 0x13]], [['CN', value, tag]]);
      draft.root = { ...draft.root, issuer: name, subject: name };
      draft.leaf = { ...draft.leaf, issuer: name };
    },
  ]),
  [
    'C with an underscore',
    leafName([['C', 'J_', 0x13]], [['ST', 'Tokyo']], [['O', 'Contoso']], [['CN', 'release']]),
  ],
  [
    'CN with * and & as PrintableString',
    leafName(
      [['C', 'JP', 0x13]],
      [['ST', 'Tokyo']],
      [['O', 'Contoso']],
      [['CN', 'release']],
      [['OU', '*&', 0x13]],
    ),
  ],
  [
    'CN with @ as PrintableString',
    leafName(
      [['C', 'JP', 0x13]],
      [['ST', 'Tokyo']],
      [['O', 'Contoso']],
      [['CN', 'release']],
      [['OU', 'a@b', 0x13]],
    ),
  ],
  ...(
    [
      'CN=release',
      'O=Contoso,ST=Tokyo,C=JP',
      'CN=release,O=Contoso,S=Tokyo,C=JP',
      ' CN = release , O=Contoso,ST=Tokyo,C=JP',
      'C=JP,ST=Tokyo,O=Contoso,CN=release',
      'CN=Release,O=Contoso,ST=Tokyo,C=JP',
      'CN=rele\\61se,O=Contoso,ST=Tokyo,C=JP',
      'CN=release,O=Contoso,ST=Tokyo,C=JP,OU=x',
      '2.5.4.3=release,O=Contoso,ST=Tokyo,C=JP',
      'CN=release,O=Contoso+ST=Tokyo,C=JP',
      'CN=release,O=Contoso,O=Contoso,ST=Tokyo,C=JP',
      'cn=release,o=Contoso,st=Tokyo,c=JP',
      'CN=release,O=#0c07436f6e746f736f,ST=Tokyo,C=JP',
      'CN=release;O=Contoso;ST=Tokyo;C=JP',
      'CN=release,O="Contoso",ST=Tokyo,C=JP',
    ] as const
  ).map((subject): Mutation => [`policy: ${subject}`, (draft) => (draft.subject = subject)]),
  [
    'policy: hex pairs are UTF-8',
    (draft) => {
      leafName([['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contosé']], [['CN', 'release']])(draft);
      draft.subject = 'CN=release,O=Contos\\C3\\A9,ST=Tokyo,C=JP';
    },
  ],
  [
    'policy: hex pairs are not Latin-1',
    (draft) => {
      leafName([['C', 'JP']], [['ST', 'Tokyo']], [['O', 'ContosÃ©']], [['CN', 'release']])(draft);
      draft.subject = 'CN=release,O=Contos\\C3\\A9,ST=Tokyo,C=JP';
    },
  ],
  [
    'policy: an escaped blank',
    (draft) => {
      leafName([['C', 'JP']], [['ST', 'Tokyo']], [['O', 'Contoso ']], [['CN', 'release']])(draft);
      draft.subject = 'CN=release,O=Contoso\\ ,ST=Tokyo,C=JP';
    },
  ],
];
