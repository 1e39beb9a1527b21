BEGIN TRANSACTION;
CREATE TABLE campaigns (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, lab TEXT NOT NULL, laboratory TEXT NOT NULL,
    realm TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, seed INTEGER NOT NULL, created TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), settings TEXT NOT NULL, problem TEXT NOT NULL,
    campaign_file TEXT NOT NULL, campaign_hash TEXT NOT NULL, lab_file TEXT NOT NULL, lab_hash TEXT NOT NULL,
    bench TEXT NOT NULL, environment TEXT NOT NULL, recommendation TEXT);
INSERT INTO "campaigns" VALUES('soft-1','soft1','soft','soft','Example','simulated','finished','budget used up: 2 trials',7,'2000-01-01T00:00:00.000+00:00',1,'{"budget_trials":2,"engine":{"initial":null,"name":"line"},"lanes":1}','{"objective":{"goal":"minimize","metric":"y","target":null,"tolerance":null,"unit":""},"outcome_constraints":[],"space":{"constraints":[],"parameters":[{"kind":"range","lower":0.0,"name":"x","scale":"linear","step":null,"unit":"","upper":1.0}]}}','','','','','bench','{}','{"mean":1.0,"reason":"the best value measured","sem":null,"trial":1,"values":{"x":1.0}}');
CREATE TABLE devices (
    campaign TEXT NOT NULL REFERENCES campaigns(id), name TEXT NOT NULL, class TEXT NOT NULL, address TEXT NOT NULL,
    model TEXT NOT NULL, serial_number TEXT NOT NULL, realm TEXT NOT NULL, PRIMARY KEY (campaign, name));
CREATE TABLE intents (
    operation TEXT PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL,
    device TEXT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL, intended_lab_s REAL NOT NULL,
    settled_lab_s REAL, detail TEXT);
INSERT INTO "intents" VALUES('soft1.t1.r1.pour.a1','soft-1',1,1,'pump','{"amount":1.0,"operation":"soft1.t1.r1.pour.a1","type":"Pour"}','done',0.0,2.0,NULL);
INSERT INTO "intents" VALUES('soft1.t2.r1.pour.a1','soft-1',2,1,'pump','{"amount":0.5,"operation":"soft1.t2.r1.pour.a1","type":"Pour"}','failed',2.0,4.0,'pump: it leaks');
CREATE TABLE interventions (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER, principal INTEGER NOT NULL REFERENCES principals(id),
    cause TEXT NOT NULL, detail TEXT NOT NULL, lab_s REAL NOT NULL, date TEXT NOT NULL);
CREATE TABLE permits (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, content_hash TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), granted TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0,
    UNIQUE (campaign, trial, content_hash));
INSERT INTO "permits" VALUES(1,'soft-1',1,'bf32f56236899e13ef54db875d136c6cbcc65244464829c54911aa9069b0ae25',2,'2000-01-01T00:00:00.000+00:00',1);
INSERT INTO "permits" VALUES(2,'soft-1',2,'ad0233224b23c9622ebd084088f2c1647737a4cabad828e4349bbed0d9b42e11',2,'2000-01-01T00:00:02.000+00:00',1);
CREATE TABLE principals (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (name, kind));
INSERT INTO "principals" VALUES(1,'ada','person');
INSERT INTO "principals" VALUES(2,'screen','system');
CREATE TABLE replicates (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,
    outcome TEXT, PRIMARY KEY (campaign, trial, replicate, attempt));
INSERT INTO "replicates" VALUES('soft-1',1,1,1,'{"y":{"sem":null,"value":1.0}}');
CREATE TABLE run_trials (
    run TEXT NOT NULL REFERENCES runs(uid), campaign TEXT NOT NULL, trial INTEGER NOT NULL,
    replicate INTEGER NOT NULL, PRIMARY KEY (run, campaign, trial, replicate));
INSERT INTO "run_trials" VALUES('3fd44290-fca3-414d-a49b-b3541ac7aa23','soft-1',1,1);
INSERT INTO "run_trials" VALUES('c6a28a1d-141d-49ca-936d-b9db838da599','soft-1',2,1);
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, campaign TEXT NOT NULL, lane INTEGER NOT NULL, plan_name TEXT NOT NULL, exit_status TEXT);
INSERT INTO "runs" VALUES('3fd44290-fca3-414d-a49b-b3541ac7aa23','soft-1',1,'pour_and_read','success');
INSERT INTO "runs" VALUES('c6a28a1d-141d-49ca-936d-b9db838da599','soft-1',1,'pour_and_read','fail');
CREATE TABLE samples (
    id TEXT PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, labware TEXT NOT NULL, place TEXT NOT NULL,
    well INTEGER NOT NULL, UNIQUE (lab, bench, labware, well));
INSERT INTO "samples" VALUES('soft-1.s1','soft','bench','strip','rack',0);
INSERT INTO "samples" VALUES('soft-1.s2','soft','bench','strip','rack',1);
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, state TEXT NOT NULL,
    lab_s REAL NOT NULL, date TEXT NOT NULL, detail TEXT);
INSERT INTO "transitions" VALUES(1,'soft-1',1,'suggested',0.0,'2000-01-01T00:00:00.000+00:00',NULL);
INSERT INTO "transitions" VALUES(2,'soft-1',1,'screened',0.0,'2000-01-01T00:00:00.000+00:00',NULL);
INSERT INTO "transitions" VALUES(3,'soft-1',1,'running',0.0,'2000-01-01T00:00:00.000+00:00',NULL);
INSERT INTO "transitions" VALUES(4,'soft-1',1,'acquired',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(5,'soft-1',1,'reduced',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(6,'soft-1',1,'ingested',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(7,'soft-1',2,'suggested',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(8,'soft-1',2,'screened',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(9,'soft-1',2,'running',2.0,'2000-01-01T00:00:02.000+00:00',NULL);
INSERT INTO "transitions" VALUES(10,'soft-1',2,'failed',4.0,'2000-01-01T00:00:04.000+00:00','pump: it leaks');
CREATE TABLE trial_samples (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, sample TEXT NOT NULL,
    PRIMARY KEY (campaign, trial, replicate, sample));
INSERT INTO "trial_samples" VALUES('soft-1',1,1,'soft-1.s1');
INSERT INTO "trial_samples" VALUES('soft-1',2,1,'soft-1.s2');
CREATE TABLE trials (
    campaign TEXT NOT NULL REFERENCES campaigns(id), number INTEGER NOT NULL, state TEXT NOT NULL,
    "values" TEXT NOT NULL, engine TEXT NOT NULL, why TEXT NOT NULL, seed INTEGER NOT NULL, seen TEXT NOT NULL,
    pending TEXT NOT NULL, verdict TEXT, outcome TEXT, failure TEXT, realm TEXT NOT NULL, lane INTEGER,
    repeat_of INTEGER, timings TEXT, PRIMARY KEY (campaign, number));
INSERT INTO "trials" VALUES('soft-1',1,'ingested','{"x":1.0}','line','the next on the line',8485708022358817229,'[]','[]','{"decision":"allowed","reasons":[]}','{"y":{"sem":null,"value":1.0}}',NULL,'simulated',1,NULL,'{"commit_s":0.04909219300679979,"device_s":0.009139858000708045,"proposer_s":4.577000072458759e-05,"wall_s":0.5989867459975358}');
INSERT INTO "trials" VALUES('soft-1',2,'failed','{"x":0.5}','line','the next on the line',6418695981475794262,'[]','[1]','{"decision":"allowed","reasons":[]}',NULL,'pump: it leaks','simulated',1,NULL,NULL);
CREATE INDEX transitions_by_trial ON transitions(campaign, trial);
COMMIT;
PRAGMA user_version = 1;
