"""Everything between HTTP and services: the page guard, forms, errors, headers, languages, assets. Knows no domain."""
