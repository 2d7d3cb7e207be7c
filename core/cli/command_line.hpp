#pragma once
/// @file The words of the command line, as the verbs read them.

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gpustack::cli {

/// The arguments of the program. Called by the name of an Ansible program (a link to gpustack), the
/// verb that takes its place comes first.
std::vector<std::string> command_line(int argc, const char* const* argv);

/// Writes long options of the verbs in Ansible's manner out: `--lim` becomes `--limit`, where no
/// other option begins so. What is ambiguous or unknown stays, and is refused by the parser.
/// @source Python 3.11, argparse: allow_abbrev
void write_out_options(const CLI::App& program, std::vector<std::string>& words);

}  // namespace gpustack::cli
