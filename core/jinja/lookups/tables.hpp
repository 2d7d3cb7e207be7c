#pragma once
/// @file The lookup families; each file defines one table.

#include "core/jinja/registry.hpp"

#include <vector>

namespace gpustack::jinja {

LookupTable list_lookups();      // list.cpp: items, dict, nested, …
LookupTable sequence_lookups();  // sequence.cpp
LookupTable file_lookups();      // file.cpp: file, fileglob, first_found, filetree, …
LookupTable process_lookups();   // process.cpp: pipe, lines, env
LookupTable template_lookups();  // template.cpp
LookupTable variable_lookups();  // variable.cpp: vars, varnames, config, …
LookupTable table_lookups();     // table.cpp: ini, csvfile
LookupTable password_lookups();  // password.cpp

inline std::vector<LookupTable> lookup_tables() {
  return {list_lookups(),
          sequence_lookups(),
          file_lookups(),
          process_lookups(),
          template_lookups(),
          variable_lookups(),
          table_lookups(),
          password_lookups()};
}

}  // namespace gpustack::jinja
