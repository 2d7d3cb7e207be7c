#pragma once
/// @file The algorithms that a connection offers: our order, and how KexAlgorithms, Ciphers and
/// MACs of ssh change it.

#include "core/base/result.hpp"
#include "core/transport/target.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::transport {

enum class AlgorithmKind : std::uint8_t { key_exchange, cipher, mac };

/// What is offered when nobody asks for anything, best first, with commas between.
std::string_view default_algorithms(AlgorithmKind kind);

/// What is offered with a value of KexAlgorithms, Ciphers or MACs: `a,b` is the list, `+a,b` puts
/// names behind the default, `^a,b` before it, and `-a,b*` takes names out of it. Names that are
/// not supported are passed over.
/// @error connection_settings  the value has no name, or leaves none that is supported
/// @source OpenSSH 9.2, ssh_config(5), "KexAlgorithms"; kex.c, kex_assemble_names
Result<std::string> chosen_algorithms(AlgorithmKind kind, std::string_view value);

/// One line that differs when the offers do.
std::string line_of(const Algorithms& algorithms);

}  // namespace gpustack::transport
