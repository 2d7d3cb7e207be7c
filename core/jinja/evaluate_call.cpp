// Calls of functions, macros and methods, with their arguments.
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/render.hpp"

namespace gpustack::jinja {

Result<CallArguments> Render::evaluate_arguments(const Arguments& arguments) {
  CallArguments out;
  out.positional.reserve(arguments.positional.size());
  for (const Expr* expr : arguments.positional) {
    GS_TRY(Value value, evaluate(*expr));
    out.positional.push_back(std::move(value));
  }
  if (arguments.star != nullptr) {
    GS_TRY(const Value more, evaluate(*arguments.star));
    auto list = items(more);
    if (!list) return locate(std::move(list).error(), *arguments.star);
    out.positional.insert(out.positional.end(), list->begin(), list->end());
  }
  for (const KeywordArgument& argument : arguments.named) {
    GS_TRY(Value value, evaluate(*argument.value));
    out.named.set(*argument.name, std::move(value));
  }
  if (arguments.double_star != nullptr) {
    GS_TRY(const Value more, evaluate(*arguments.double_star));
    if (!more.is_map()) {
      return locate(Error(ErrorCode::template_type,
                          "expected a dict after '**', found " + std::string(type_name(more))),
                    *arguments.double_star);
    }
    for (const auto& [key, value] : more.as_map()) out.named.set(key, value);
  }
  return out;
}

Result<Value> Render::evaluate_call(const CallExpr& expr) {
  if (expr.callee->kind == ExprKind::attribute) return evaluate_method_call(expr);
  GS_TRY(const Value callee, evaluate(*expr.callee));
  if (callee.is_undefined()) return locate(undefined_error(callee), *expr.callee);
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  return settle(call(callee, std::move(arguments)), expr);
}

namespace {

/// The method that the parser found for the value's type.
const MethodRow* method_of(const Value& object, const AttributeExpr& method) {
  if (object.is_string()) return method.string_method;
  if (object.is_list()) return method.list_method;
  return object.is_map() ? method.map_method : nullptr;
}

}  // namespace

Result<Value> Render::evaluate_method_call(const CallExpr& expr) {
  const auto& method = static_cast<const AttributeExpr&>(*expr.callee);
  GS_TRY(const Value object, evaluate(*method.object));
  if (object.is_undefined()) return locate(undefined_error(object), *method.object);
  // What is known to be a method is called as one: no object for the bound method is needed.
  if (const MethodRow* row = method_of(object, method)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_method(*this, object, *row, arguments), expr);
  }
  if (!object.is_object() && has_method(object, *method.name)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_method(*this, object, *method.name, arguments), expr);
  }
  if (object.is_object() && object.as_object().is_mapping() && is_mapping_method(*method.name)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_mapping_method(object.as_object(), *method.name, arguments), expr);
  }
  auto callee = attribute(object, *method.name);
  if (!callee) return locate(std::move(callee).error(), expr);
  if (callee->is_undefined()) return locate(undefined_error(*callee), method);
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  return settle(call(*callee, std::move(arguments)), expr);
}

Result<Value> Render::call(const Value& callee, CallArguments arguments) {
  if (callee.is_undefined()) return undefined_error(callee);
  if (!callee.is_object()) {
    return Error(ErrorCode::template_type,
                 "a " + std::string(type_name(callee)) + " cannot be called");
  }
  if (const auto* lookups = dynamic_cast<const LookupFunctionObject*>(&callee.as_object())) {
    return call_lookup(std::move(arguments), lookups->wants_list());
  }
  return callee.as_object().call(arguments);
}

}  // namespace gpustack::jinja
