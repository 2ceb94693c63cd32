import collections
from tests.faults import test_ledger_machine as m, scripted_api as a
C=collections.Counter()
M=m.LedgerMachine
old=M.deliver
def deliver(self,*x):
    r=old(self,*x); C["try"]+=1; C["ok" if r else "failed"]+=1
    if r:
        C["waiting"]+=bool(r.extra["waiting"]); C["resent"]+=bool(r.extra["resent_unknown"]); C["held"]+=bool(m.held(r)); C["found"]+=bool(r.extra["found_by_search"]); C["from_waiting"]+=bool(r.extra["from_waiting"])
    return r
M.deliver=deliver
od=a.ScriptedApi._decide
def dec(self,req,sent,bad):
    C["fate "+(self.fates[0] if self.fates else "ok")]+=1
    return od(self,req,sent,bad)
a.ScriptedApi._decide=dec
fin=M.finish
def finish(self):
    fin(self); C["machines"]+=1; C["twice"]+=sum(v>1 for v in self.api.stored.values()); C["settled"]+=len(self.by_hand); print(dict(C), flush=True)
M.finish=finish
from tests.faults.test_ledger_machine import *
