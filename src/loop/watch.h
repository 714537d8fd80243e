// SPDX-License-Identifier: MIT
// watch.h: descriptors that a loop watches, and who hears of it
#ifndef CEDE_LOOP_WATCH_H
#define CEDE_LOOP_WATCH_H

#include "core/vm.h"

struct Loop;
struct Watch;

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

// Handles what happened (WATCH_ bits, all of them among those that are watched). Runs Python; false: an exception that ends the run.
typedef bool (*WatchFn)(VM *vm, struct Watch *watch, unsigned happened);

// One descriptor of one loop; part of its owner, an object that lives as long as it is in the loop's table: while something is watched
// the table holds a reference to the owner, so that what can still be heard of is not dead.
//
// A backend reports while no Python code runs (cd_watch_report only links the watch into a list); the loop hands the reports out when
// polling is over and the VM lock is held again. Whoever stops watching takes the watch out of that list: nothing is heard afterwards.
typedef struct Watch {
  struct Loop *loop;                             // not owned; NULL: not in a table
  Object *owner;                                 // owned while events != 0
  WatchFn ready;
  void *handle;                                  // the backend's own, or NULL
  struct Watch *next, **link;                    // in the list of reports; link NULL: not in it
  int fd;
  uint8_t events;                                // watched
  uint8_t happened;                              // reported and not yet handed out
  bool is_transport;                             // owner is a transport: its descriptor is not to be had by add_reader()
} Watch;

// What a loop knows of descriptors. `by_fd` has the watch of each descriptor, or NULL.
typedef struct LoopIo {
  Watch **by_fd;
  uint32_t capacity;
  uint32_t active;                               // watches with events
  Watch *reports, **reports_end;
  char *room;                                    // what arrives is read into this, made at the first need
} LoopIo;

enum { READ_ROOM = 256 * 1024 };

MUST_USE bool cd_loop_io_init(VM *vm, struct Loop *loop);
void cd_loop_io_clear(VM *vm, struct Loop *loop);          // forgets all watches; runs Python
void cd_loop_io_finish(VM *vm, struct Loop *loop);         // gives the memory back, after clear
void cd_loop_io_traverse(struct Loop *loop, VisitFn visit, void *context);
char *cd_loop_io_room(VM *vm, struct Loop *loop);          // READ_ROOM bytes; NULL: MemoryError

// Enters a watch into its loop's table. `fd` >= 0. Nothing is watched yet.
MUST_USE bool cd_watch_open(VM *vm, struct Loop *loop, Watch *watch, Object *owner, int fd, WatchFn ready);
// Watches other events from now on; 0: none. false: the system refuses (exception set; nothing changed). Turning events off never fails.
MUST_USE bool cd_watch_set(VM *vm, Watch *watch, unsigned events);
void cd_watch_close(VM *vm, Watch *watch);                 // may free the owner, if the table's was its last reference
Watch *cd_watch_find(struct Loop *loop, int fd);           // NULL: none
MUST_USE bool cd_watch_dispatch(VM *vm, struct Loop *loop);      // hands the reports out; runs Python

// For backends, without the VM lock: some of `events` happened. Others than those that are watched are dropped.
void cd_watch_report(Watch *watch, unsigned events);

#endif
