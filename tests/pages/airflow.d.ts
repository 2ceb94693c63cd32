// What Airflow's page lends to the modules in static/, for their type check (make lint). Not shipped.
import type * as ReactModule from "react";

declare global {
  var React: typeof ReactModule;
  /** Chakra UI 3: its components take any property of style. */
  var ChakraUI: Record<string, any>;
  var ReactRouterDOM: {
    Link: any;
    useSearchParams(): [
      URLSearchParams,
      (next: URLSearchParams | ((old: URLSearchParams) => URLSearchParams), options?: object) => void,
    ];
  };
}
