import type { components } from "./openapi.js";

/** The shapes of requests and answers, by the names that they have in the OpenAPI document. */
export type Schemas = components["schemas"];
