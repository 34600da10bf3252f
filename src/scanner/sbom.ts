import { Enums, Models, SPDX, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Digest } from '../domain/digest.ts';
import { hexOf } from '../domain/digest.ts';
import type { ScanReport } from '../domain/scan.ts';
import { sha256 } from '../domain/sha256.ts';
import type { InventoryItem } from './identify.ts';
import type { Inventory } from './inventory.ts';

/**
 * CycloneDX 1.6 JSON. The same image and scanner give the same bytes: no time, and a serial number that comes from the
 * image's digest.
 */
export function makeSbom(image: Digest, inventory: Inventory, scanner: ScanReport['scanner']): Uint8Array {
  const bom = new Models.Bom({ serialNumber: serialNumberOf(image) });
  bom.metadata.component = new Models.Component(Enums.ComponentType.Container, 'image', {
    bomRef: image,
    version: image,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], hexOf(image)]]),
  });
  bom.metadata.tools.components.add(
    new Models.Component(Enums.ComponentType.Application, scanner.name, { version: scanner.version }),
  );
  const { distribution } = inventory;
  if (distribution) {
    bom.components.add(
      new Models.Component(Enums.ComponentType.OperatingSystem, distribution.id, {
        bomRef: 'operating-system',
        ...(distribution.version === undefined ? {} : { version: distribution.version }),
        ...(distribution.name === undefined ? {} : { description: distribution.name }),
      }),
    );
  }
  for (const item of uniqueItems(inventory.items)) bom.components.add(componentOf(item));
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return Buffer.from(serializer.serialize(bom, { sortLists: true, space: 1 }), 'utf8');
}

/** A conda package with several Python names is several items for matching, but one component. */
const uniqueItems = (items: readonly InventoryItem[]): readonly InventoryItem[] => [
  ...new Map(items.map((item) => [refOf(item), item])).values(),
];

const refOf = ({ component }: InventoryItem): string => `${component.purl}#${component.path}`;

function componentOf(item: InventoryItem): Models.Component {
  const { component, note } = item;
  const made = new Models.Component(Enums.ComponentType.Library, component.name, {
    bomRef: refOf(item),
    version: component.version,
    purl: component.purl,
  });
  const properties: Readonly<Record<string, string | undefined>> = {
    layer: component.layer,
    path: component.path,
    ecosystem: component.ecosystem,
    state: component.cached ? 'cached, not installed' : undefined,
    'source-package': component.source && `${component.source.name} ${component.source.version}`,
    match: note,
  };
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined) made.properties.add(new Models.Property(`amlpromote:${name}`, value));
  }
  for (const license of component.licenses ?? []) {
    const id = SPDX.fixupSpdxId(license);
    made.licenses.add(id === undefined ? new Models.NamedLicense(license) : new Models.SpdxLicense(id));
  }
  return made;
}

/** A UUID of version 8 (RFC 9562, "custom") from the digest. */
function serialNumberOf(image: Digest): string {
  const hex = hexOf(sha256(`cyclonedx ${image}`));
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
