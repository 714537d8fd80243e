// SPDX-License-Identifier: MIT
// instance.c: shapes and instance attributes; see the essay in instance.h
#include "objects/instance.h"
#include "objects/dict.h"
#include "objects/raise.h"
#include "objects/str.h"
#include "objects/tuple.h"
#include "objects/type.h"

#define SHAPE_LINEAR 8                           // up to this many names a walk beats an index
#define SHAPE_MAX_NAMES 96                       // instances with more turn to dicts
#define SHAPE_MAX_CHILDREN 64
#define SHAPE_MAX_TREE 2048
#define INLINE_MAX 30

// ---- shapes ----

static Shape *shape_new(VM *vm, Shape *parent, Value name)
{
  Shape *shape = cd_alloc_zeroed(vm, sizeof *shape);
  if (!shape) return NULL;
  shape->id = ++vm->next_shape_id;
  shape->parent = parent;
  shape->root = parent ? parent->root : shape;
  shape->root->tree_size++;
  shape->count = parent ? parent->count + 1 : 0;
  shape->name = name ? cd_dup(name) : NO_REF;
  return shape;
}

Shape *cd_type_root_shape(VM *vm, Type *type)
{
  if (!type->shape) type->shape = shape_new(vm, NULL, NO_VALUE);
  return type->shape;
}

// Frees a tree without recursion: goes down to a leaf, frees it, continues at its parent.
void cd_shape_free_tree(VM *vm, Shape *root)
{
  Shape *shape = root;
  while (shape) {
    if (shape->transition_count) {
      shape = shape->transitions[--shape->transition_count];
      continue;
    }
    Shape *parent = shape == root ? NULL : shape->parent;
    Value name = shape->name;
    cd_free(vm, shape->transitions, shape->transition_capacity * sizeof(Shape *));
    if (shape->index) cd_free(vm, shape->index, (shape->index_mask + 1) * sizeof(uint32_t));
    if (shape->names) cd_free(vm, shape->names, shape->count * sizeof(Value));
    cd_free(vm, shape, sizeof *shape);
    cd_drop(vm, cd_from_bits(cd_bits(name)));
    shape = parent;
  }
}

static uint32_t shape_hash(Value name)
{
  uint64_t bits = cd_bits(name) >> 4;
  return (uint32_t)(bits ^ bits >> 15);
}

static bool shape_build_index(VM *vm, Shape *shape)
{
  uint32_t size = 16;
  while (size < shape->count * 2) size *= 2;
  Value *names = cd_alloc(vm, shape->count * sizeof(Value));
  if (!names) return false;
  uint32_t *index = cd_alloc_zeroed(vm, size * sizeof(uint32_t));
  if (!index) {
    cd_free(vm, names, shape->count * sizeof(Value));
    return false;
  }
  for (Shape *s = shape; s->parent; s = s->parent) {
    names[s->count - 1] = s->name;
    uint32_t i = shape_hash(s->name) & (size - 1);
    while (index[i]) i = (i + 1) & (size - 1);
    index[i] = s->count;                         // number + 1
  }
  shape->names = names;
  shape->index = index;
  shape->index_mask = size - 1;
  return true;
}

uint32_t cd_shape_find(VM *vm, Shape *shape, Value name)
{
  if (shape->count > SHAPE_LINEAR) {
    if (shape->index || shape_build_index(vm, shape)) {
      uint32_t i = shape_hash(name) & shape->index_mask;
      for (; shape->index[i]; i = (i + 1) & shape->index_mask)
        if (cd_is(shape->names[shape->index[i] - 1], name)) return shape->index[i] - 1;
      return SHAPE_MISSING;
    }
    cd_clear_raised(vm);
  }
  for (; shape->parent; shape = shape->parent)
    if (cd_is(shape->name, name)) return shape->count - 1;
  return SHAPE_MISSING;
}

Shape *cd_shape_child(VM *vm, Shape *shape, Value name)
{
  for (uint32_t i = 0; i < shape->transition_count; i++)
    if (cd_is(shape->transitions[i]->name, name)) return shape->transitions[i];
  if (shape->count >= SHAPE_MAX_NAMES || shape->transition_count >= SHAPE_MAX_CHILDREN || shape->root->tree_size >= SHAPE_MAX_TREE)
    return NULL;
  if (shape->transition_count == shape->transition_capacity) {
    uint32_t capacity = shape->transition_capacity ? shape->transition_capacity * 2 : 1;
    Shape **grown = cd_realloc(vm, shape->transitions, shape->transition_capacity * sizeof(Shape *), capacity * sizeof(Shape *));
    if (!grown) { cd_clear_raised(vm); return NULL; }
    shape->transitions = grown;
    shape->transition_capacity = capacity;
  }
  Shape *child = shape_new(vm, shape, name);
  if (!child) { cd_clear_raised(vm); return NULL; }
  shape->transitions[shape->transition_count++] = child;
  return child;
}

// ---- values ----

static Value *instance_inline_room(Object *object) { return (Value *)((char *)object + object->type->basicsize); }

static void attributes_free_values(VM *vm, Object *object, Value *values, uint32_t capacity)
{
  if (values && values != instance_inline_room(object)) cd_free(vm, values, capacity * sizeof(Value));
}

bool cd_attributes_grow(VM *vm, Object *object, AttributeHead *head)
{
  uint32_t count = head->shape ? head->shape->count : 0;
  Type *type = object->type;
  if (count < INLINE_MAX && type->inline_capacity <= count) type->inline_capacity = (uint8_t)(count + 1);
  Value *room = head->inline_capacity ? instance_inline_room(object) : NULL;
  if (room && !head->values) {
    head->values = room;
    head->capacity = head->inline_capacity;
    return true;
  }
  uint32_t capacity = head->capacity ? head->capacity * 2 : 4;
  Value *values = cd_alloc_zeroed(vm, capacity * sizeof(Value));
  if (!values) return false;
  if (count) memcpy(values, head->values, count * sizeof(Value));
  attributes_free_values(vm, object, head->values, head->capacity);
  head->values = values;
  head->capacity = capacity;
  return true;
}

// An interned exact str equal to `name`, owned by *keep when it is another object. NO_VALUE: MemoryError.
static Value instance_interned(VM *vm, Value name, Ref *keep)
{
  *keep = NO_REF;
  if (LIKELY(cd_as_str(name)->interned)) return name;
  Ref exact = cd_str_exact(vm, name);
  return exact ? (*keep = cd_str_intern(vm, exact)) : NO_VALUE;
}

Find cd_instance_get(VM *vm, Object *object, Value name, Ref *out)
{
  AttributeHead *head = cd_attributes(object);
  if (head->shape) {
    Ref keep;
    Value key = instance_interned(vm, name, &keep);
    if (!key) return FIND_ERROR;
    uint32_t i = cd_shape_find(vm, head->shape, key);
    cd_drop(vm, keep);
    if (i == SHAPE_MISSING || !head->values[i]) return FIND_MISSING;
    *out = cd_dup(head->values[i]);
    return FIND_HIT;
  }
  if (!head->dict) return FIND_MISSING;
  Ref dict = cd_dup(head->dict);
  Find found = cd_dict_find(vm, dict, name, out);
  cd_drop(vm, dict);
  return found;
}

// The shape form of setting; *done false: the instance has to use a dict.
static bool instance_set_shaped(VM *vm, Object *object, AttributeHead *head, Value name, Value value, bool *done)
{
  Shape *shape = head->shape;
  if (!shape && !(shape = head->shape = cd_type_root_shape(vm, object->type))) return false;
  *done = true;
  uint32_t i = cd_shape_find(vm, shape, name);
  if (i != SHAPE_MISSING) {
    cd_replace(vm, &head->values[i], cd_dup(value));
    return true;
  }
  Shape *child = cd_shape_child(vm, shape, name);
  if (!child) {
    *done = false;
    return cd_instance_materialise(vm, object);
  }
  if (shape->count >= head->capacity && !cd_attributes_grow(vm, object, head)) return false;
  head->values[shape->count] = cd_dup(value);
  head->shape = child;
  return true;
}

bool cd_instance_set(VM *vm, Object *object, Value name, Value value)
{
  AttributeHead *head = cd_attributes(object);
  Ref keep;
  Value key = instance_interned(vm, name, &keep);
  if (!key) return false;
  bool done = false, ok = true;
  if (!head->dict) ok = instance_set_shaped(vm, object, head, key, value, &done);
  if (ok && !done) {
    Ref dict = cd_dup(head->dict);
    ok = cd_dict_set(vm, dict, key, value);
    cd_drop(vm, dict);
  }
  cd_drop(vm, keep);
  return ok;
}

// The last name is taken back by going to the parent shape; any other deletion turns to a dict, which keeps the order right.
Find cd_instance_delete(VM *vm, Object *object, Value name)
{
  AttributeHead *head = cd_attributes(object);
  if (head->shape) {
    Ref keep;
    Value key = instance_interned(vm, name, &keep);
    if (!key) return FIND_ERROR;
    uint32_t i = cd_shape_find(vm, head->shape, key);
    cd_drop(vm, keep);
    if (i == SHAPE_MISSING || !head->values[i]) return FIND_MISSING;
    if (i + 1 == head->shape->count) {
      head->shape = head->shape->parent;
      cd_clear(vm, &head->values[i]);
      return FIND_HIT;
    }
    if (!cd_instance_materialise(vm, object)) return FIND_ERROR;
  }
  if (!head->dict) return FIND_MISSING;
  Ref dict = cd_dup(head->dict);
  Find found = cd_dict_delete(vm, dict, name);
  cd_drop(vm, dict);
  return found;
}

static bool instance_fill_dict(VM *vm, Value dict, Shape *shape, const Value *values)
{
  if (!shape->parent) return true;
  if (!instance_fill_dict(vm, dict, shape->parent, values)) return false;   // depth is bounded by SHAPE_MAX_NAMES
  Value value = values[shape->count - 1];
  return !value || cd_dict_set(vm, dict, shape->name, value);
}

Ref cd_instance_dict_copy(VM *vm, Object *object)
{
  AttributeHead *head = cd_attributes(object);
  if (head->dict) return cd_dict_copy(vm, head->dict);
  Ref dict = cd_dict_with_capacity(vm, head->shape ? head->shape->count : 0);
  if (dict && head->shape && !instance_fill_dict(vm, dict, head->shape, head->values)) {
    cd_drop(vm, dict);
    return NO_REF;
  }
  return dict;
}

static void instance_drop_values(VM *vm, Object *object, AttributeHead *head)
{
  uint32_t count = head->shape ? head->shape->count : 0, capacity = head->capacity;
  Value *values = head->values;
  head->shape = NULL;
  head->values = NULL;
  head->capacity = 0;
  for (uint32_t i = 0; i < count; i++) cd_clear(vm, &values[i]);
  attributes_free_values(vm, object, values, capacity);
}

bool cd_instance_materialise(VM *vm, Object *object)
{
  AttributeHead *head = cd_attributes(object);
  if (head->dict) return true;
  Ref dict = cd_instance_dict_copy(vm, object);
  if (!dict) return false;
  head->dict = dict;
  instance_drop_values(vm, object, head);
  return true;
}

Ref cd_instance_dict(VM *vm, Object *object)
{
  if (!cd_instance_materialise(vm, object)) return NO_REF;
  return cd_dup(cd_attributes(object)->dict);
}

bool cd_instance_set_dict(VM *vm, Object *object, Value dict)
{
  AttributeHead *head = cd_attributes(object);
  Ref old = cd_take(&head->dict);
  head->dict = cd_dup(dict);
  instance_drop_values(vm, object, head);
  cd_drop(vm, old);
  return true;
}

// ---- lifetime ----

void cd_instance_release(VM *vm, Object *object)
{
  AttributeHead *head = cd_attributes(object);
  if (head->values) instance_drop_values(vm, object, head);
  head->shape = NULL;
  if (head->dict) cd_clear(vm, &head->dict);
}

void cd_instance_traverse(Object *object, VisitFn visit, void *context)
{
  const AttributeHead *head = cd_attributes(object);
  visit(context, head->dict);
  if (head->shape)
    for (uint32_t i = 0; i < head->shape->count; i++) visit(context, head->values[i]);
}
