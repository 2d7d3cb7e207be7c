#pragma once
/// @file What the files of a play say, as text: whether they look at what other hosts did.

#include "core/play/model.hpp"

namespace gpustack::engine {

/// Whether a file that the play, or the block, is written in names a variable that depends on how
/// far other hosts are (`hostvars`, `ansible_play_hosts`, `play_hosts`, `ansible_play_batch`), or
/// takes in a role whose variables become the play's (`include_role` with `public: true`).
bool looks_at_other_hosts(const play::Play& play);
bool looks_at_other_hosts(const play::Block& block);
bool looks_at_other_hosts(const play::Role& role);
/// The same for one task: its own words, and the conditions and variables around it.
bool looks_at_other_hosts(const play::Task& task);

}  // namespace gpustack::engine
