#pragma once
/// @file The filter families; each file defines one table.

#include "core/jinja/registry.hpp"

#include <vector>

namespace gpustack::jinja {

FilterTable text_filters();      // text.cpp: upper, replace, trim, …
FilterTable layout_filters();    // layout.cpp: indent, wordwrap, comment, …
FilterTable number_filters();    // number.cpp: int, round, human_readable, …
FilterTable sequence_filters();  // sequence.cpp: first, join, sort, unique, …
FilterTable select_filters();    // select.cpp: map, select, groupby, …
FilterTable set_filters();       // set.cpp: union, product, zip, …
FilterTable mapping_filters();   // mapping.cpp: combine, dict2items, …
FilterTable value_filters();     // value.cpp: default, bool, ternary, …
FilterTable format_filters();    // serialise.cpp: to_json, from_yaml, …
FilterTable regex_filters();     // regex.cpp
FilterTable path_filters();      // path.cpp
FilterTable digest_filters();    // digest.cpp: hash, b64encode, password_hash, …
FilterTable url_filters();       // url.cpp
FilterTable date_filters();      // date.cpp
FilterTable random_filters();    // random.cpp
FilterTable network_filters();   // network.cpp: ipaddr, …
FilterTable query_filters();     // json_query.cpp
FilterTable vault_filters();     // vault.cpp: vault, unvault

inline std::vector<FilterTable> filter_tables() {
  return {text_filters(),
          layout_filters(),
          number_filters(),
          sequence_filters(),
          select_filters(),
          set_filters(),
          mapping_filters(),
          value_filters(),
          format_filters(),
          regex_filters(),
          path_filters(),
          digest_filters(),
          url_filters(),
          date_filters(),
          random_filters(),
          network_filters(),
          query_filters(),
          vault_filters()};
}

}  // namespace gpustack::jinja
