// Blocks, and the templates that extend one another.
#include "core/jinja/scope_guard.hpp"

#include <memory>
#include <utility>

namespace gpustack::jinja {

namespace {

const NameId kSelf = intern_name("self");

}  // namespace

Result<void> Render::run_extends(const IncludeStmt& stmt) {
  if (parent_ != nullptr) {
    return locate(Error(ErrorCode::template_syntax, "a template can extend one other only"), stmt);
  }
  GS_TRY(const Value name, evaluate(*stmt.name));
  auto loaded = load(name);
  if (!loaded) return locate(std::move(loaded).error(), *stmt.name);
  parent_ = std::move(*loaded);
  discard_ = true;
  return {};
}

Result<void> Render::run_block_here(const BlockStmt& stmt, Output& out) {
  if (discard_) return {};
  GS_TRY(Value text, run_block(stmt.name, 0, stmt.scoped ? frame_ : top_));
  return out.value(text);
}

bool Render::has_block(NameId name, std::size_t level) const {
  for (const auto& [key, entries] : blocks_) {
    if (key == name) return level < entries.size();
  }
  return false;
}

Result<Value> Render::run_block(NameId name, std::size_t level, const FramePtr& frame) {
  const BlockEntry* entry = nullptr;
  for (const auto& [key, entries] : blocks_) {
    if (key == name && level < entries.size()) entry = &entries[level];
  }
  if (entry == nullptr) {
    return Value::undefined("there is no parent block called '" + name_text(name) + "'", "super");
  }
  const BlockEntry found = *entry;
  if (found.block->required && level == 0) {
    return Error(ErrorCode::template_type,
                 "block '" + name_text(name) + "' is required and no template fills it");
  }
  GS_TRY_VOID(enter());
  auto inner = take_frame(frame, 0);
  inner->set(
      intern_name("super"),
      has_block(name, level + 1)
          ? make_block_reference(*this, name, level + 1, frame)
          : Value::undefined("there is no parent block called '" + name_text(name) + "'", "super"));
  const ScopeGuard guard(frame_, inner);
  const Template* outer_template = std::exchange(template_, found.where.get());
  const bool discard = std::exchange(discard_, false);
  Output out(context_.limits.output, Mode::text);
  const Places places = std::exchange(places_, Places::none);
  const Flow flow = run_body(found.block->body, out);
  template_ = outer_template;
  discard_ = discard;
  places_ = places;
  leave();
  if (flow == Flow::failed) return take_failure();
  return out.finish();
}

void Render::add_blocks(const Template& where) {
  for (const auto& [name, block] : where.program().blocks) {
    auto place = blocks_.begin();
    while (place != blocks_.end() && place->first != name) ++place;
    if (place == blocks_.end()) place = blocks_.insert(blocks_.end(), {name, {}});
    place->second.push_back(BlockEntry{block, where.shared_from_this()});
  }
}

Result<void> Render::run_program(const Template& root, Places places, Output& out) {
  const Template* current = &root;
  std::shared_ptr<const Template> extended;
  const Template* outer_template = template_;
  const auto outer_parent = std::exchange(parent_, nullptr);
  const bool outer_discard = std::exchange(discard_, false);
  const Places outer_places = std::exchange(places_, places);
  BlockTable outer_blocks = std::exchange(blocks_, {});
  bool uses_blocks = false;
  Result<void> done;
  while (current != nullptr) {
    const Program& program = current->program();
    if (program.changes_values) become_owner();
    add_blocks(*current);
    if (!program.blocks.empty() && !uses_blocks) {
      uses_blocks = true;
      frame_->set(kSelf, make_self(*this, frame_));
    }
    template_ = current;
    discard_ = false;
    const Flow flow = run_body(program.body, out);
    if (flow == Flow::failed) {
      done = Result<void>(take_failure());
      break;
    }
    extended = std::exchange(parent_, nullptr);
    current = extended.get();
    places_ = Places::none;  // a parent template runs in this one's frame
  }
  template_ = outer_template;
  parent_ = outer_parent;
  discard_ = outer_discard;
  places_ = outer_places;
  blocks_ = std::move(outer_blocks);
  return done;
}

}  // namespace gpustack::jinja
