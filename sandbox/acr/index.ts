import type { Handler } from '../http.ts';
import { blobHandlers } from './blobs.ts';
import { listingHandlers } from './listings.ts';
import { manifestHandlers } from './manifests.ts';
import { metadataHandlers } from './metadata.ts';
import { oauthHandlers } from './oauth.ts';
import type { Plane } from './plane.ts';
import { uploadHandlers } from './uploads.ts';

/** The data plane of one registry. Uploads come before blobs: `blobs/uploads` is also a path of a blob. */
export const acrHandlers = (plane: Plane): Handler[] => [
  ...oauthHandlers(plane),
  ...listingHandlers(plane),
  ...uploadHandlers(plane),
  ...blobHandlers(plane),
  ...manifestHandlers(plane),
  ...metadataHandlers(plane),
];
