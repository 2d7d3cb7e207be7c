#pragma once
/// @file What is known of a host, as `setup` told it or as a file has kept it.

#include "core/base/value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::gpu {

struct HostFacts {
  std::string host;
  Value all;       ///< all facts, `ansible_…`; null where the platform facts alone were kept
  Value platform;  ///< `gpustack`
};

/// Takes the result of `setup`. @return without a platform when the host told none
HostFacts host_facts(std::string host, const Value& ansible_facts);

/// Reads what `gpustack facts` prints (with `--gpu` or without), a file of a fact cache, or the
/// platform facts of one host by themselves.
/// @param source  where the text is from: names a host whose facts do not
/// @error usage  no JSON, or nothing of the kind
Result<std::vector<HostFacts>> parse_recorded_facts(std::string_view text,
                                                    const std::string& source);

/// A fact below others, `driver.version`; null when it is not there.
const Value& fact(const Value& facts, std::string_view path);
/// The same as text; empty for null.
std::string fact_text(const Value& facts, std::string_view path);
bool fact_true(const Value& facts, std::string_view path);
/// The texts of a list.
std::vector<std::string> fact_list(const Value& facts, std::string_view path);

}  // namespace gpustack::gpu
