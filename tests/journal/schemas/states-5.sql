BEGIN TRANSACTION;
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, campaign TEXT NOT NULL, what TEXT NOT NULL, rule TEXT NOT NULL,
    cause TEXT NOT NULL, head INTEGER REFERENCES alarms(id), lab_s REAL NOT NULL, date TEXT NOT NULL);
CREATE TABLE approvals (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER, content_hash TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), nonce TEXT NOT NULL UNIQUE, signed TEXT NOT NULL,
    date TEXT NOT NULL, used TEXT);
CREATE TABLE bypasses (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, measure TEXT NOT NULL,
    requester INTEGER NOT NULL REFERENCES principals(id), since_s REAL NOT NULL, until_s REAL NOT NULL,
    request TEXT NOT NULL, approver INTEGER REFERENCES principals(id), approved_s REAL, approval TEXT,
    ended_s REAL, ended_by INTEGER REFERENCES principals(id));
CREATE TABLE campaigns (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, lab TEXT NOT NULL, laboratory TEXT NOT NULL,
    realm TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, seed INTEGER NOT NULL, created TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), settings TEXT NOT NULL, problem TEXT NOT NULL,
    campaign_file TEXT NOT NULL, campaign_hash TEXT NOT NULL, lab_file TEXT NOT NULL, lab_hash TEXT NOT NULL,
    bench TEXT NOT NULL, environment TEXT NOT NULL, recommendation TEXT, options TEXT NOT NULL DEFAULT '{}', envelope_hash TEXT, envelope_version TEXT);
INSERT INTO "campaigns" VALUES('soft-1','soft1','soft','soft','Example','simulated','finished','budget used up: 2 trials',7,'2000-01-01T00:00:00.000+00:00',1,'{"budget_trials":2,"engine":{"initial":null,"name":"line"},"lanes":1}','{"objective":{"goal":"minimize","metric":"y","target":null,"tolerance":null,"unit":""},"outcome_constraints":[],"space":{"constraints":[],"parameters":[{"kind":"range","lower":0.0,"name":"x","scale":"linear","step":null,"unit":"","upper":1.0}]}}','','','','','bench','{}','{"mean":1.0,"reason":"the best value measured","sem":null,"trial":1,"values":{"x":1.0}}','{}',NULL,NULL);
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, before TEXT, after TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), reason TEXT NOT NULL, date TEXT NOT NULL);
CREATE TABLE devices (
    campaign TEXT NOT NULL REFERENCES campaigns(id), name TEXT NOT NULL, class TEXT NOT NULL, address TEXT NOT NULL,
    model TEXT NOT NULL, serial_number TEXT NOT NULL, realm TEXT NOT NULL, PRIMARY KEY (campaign, name));
CREATE TABLE intents (
    operation TEXT PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL,
    device TEXT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL, intended_lab_s REAL NOT NULL,
    settled_lab_s REAL, detail TEXT, epoch INTEGER NOT NULL DEFAULT 0, counter INTEGER, evidence TEXT, settled_by INTEGER REFERENCES principals(id), used_ul REAL);
INSERT INTO "intents" VALUES('soft1.t1.r1.pour.a1','soft-1',1,1,'pump','{"amount":1.0,"operation":"soft1.t1.r1.pour.a1","type":"Pour"}','done',0.0,2.0,NULL,1,0,NULL,NULL,NULL);
INSERT INTO "intents" VALUES('soft1.t2.r1.pour.a1','soft-1',2,1,'pump','{"amount":0.5,"operation":"soft1.t2.r1.pour.a1","type":"Pour"}','failed',2.0,4.0,'pump: it leaks',1,1,NULL,NULL,NULL);
CREATE TABLE interventions (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER, principal INTEGER NOT NULL REFERENCES principals(id),
    cause TEXT NOT NULL, detail TEXT NOT NULL, lab_s REAL NOT NULL, date TEXT NOT NULL);
CREATE TABLE leases (
    epoch INTEGER PRIMARY KEY, holder TEXT NOT NULL, begun TEXT NOT NULL);
INSERT INTO "leases" VALUES(1,'the test','2000-01-01T00:00:00.000+00:00');
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, leaf BLOB NOT NULL);
INSERT INTO "log" VALUES(1,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"epoch":1},"kind":"insert","row":{"begun":"2000-01-01T00:00:00.000+00:00","holder":"the test"},"seq":1,"table":"leases"}',X'7B81C9ACED254B8EE86CE8B8C6A6410F606AC7CFF083B7C098F8F5A16350BAFD');
INSERT INTO "log" VALUES(2,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":1},"kind":"insert","row":{"kind":"person","name":"ada"},"seq":2,"table":"principals"}',X'3B0A8EB1468967F845DA81FB6F8DFF570B1F7731E4B829DB4A6A2BA4E4EBD1C9');
INSERT INTO "log" VALUES(3,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":"soft-1"},"kind":"insert","row":{"bench":"bench","campaign_file":"","campaign_hash":"","created":"2000-01-01T00:00:00.000+00:00","environment":"{}","key":"soft1","lab":"soft","lab_file":"","lab_hash":"","laboratory":"Example","name":"soft","options":"{}","principal":1,"problem":"{\"objective\":{\"goal\":\"minimize\",\"metric\":\"y\",\"target\":null,\"tolerance\":null,\"unit\":\"\"},\"outcome_constraints\":[],\"space\":{\"constraints\":[],\"parameters\":[{\"kind\":\"range\",\"lower\":0.0,\"name\":\"x\",\"scale\":\"linear\",\"step\":null,\"unit\":\"\",\"upper\":1.0}]}}","realm":"simulated","seed":7,"settings":"{\"budget_trials\":2,\"engine\":{\"initial\":null,\"name\":\"line\"},\"lanes\":1}","state":"running"},"seq":3,"table":"campaigns"}',X'8CEAFFF86778D429E44DB8FE116ABC367A50092E34E43A1D992ABF455844EA08');
INSERT INTO "log" VALUES(4,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"insert","row":{"attempt":1,"engine":"line","pending":"[]","realm":"simulated","seed":8485708022358817229,"seen":"[]","state":"suggested","values":"{\"x\":1.0}","why":"the next on the line"},"seq":4,"table":"trials"}',X'B3A4093D551CE2E7152DD0481F5CD648B5159D51FC462A2D3DB91E6C4127305A');
INSERT INTO "log" VALUES(5,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":1},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:00.000+00:00","lab_s":0.0,"state":"suggested","trial":1},"seq":5,"table":"transitions"}',X'13485B119C8B15E7C843F7DC0903BCB73FC8CCDA4D49EFD86F4FFC55D8A5FDD9');
INSERT INTO "log" VALUES(6,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"update","row":{"state":"screened","verdict":"{\"decision\":\"allowed\",\"reasons\":[]}"},"seq":6,"table":"trials"}',X'513DCFE334D2A2BEA2C7666B3378C375EAE18A595040C83C60D6AD93A9D40791');
INSERT INTO "log" VALUES(7,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":2},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:00.000+00:00","lab_s":0.0,"state":"screened","trial":1},"seq":7,"table":"transitions"}',X'D104C8A95E818EFFC75D5BF38D269F76417787C1E9B9BAF138EB89700D06313F');
INSERT INTO "log" VALUES(8,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":2},"kind":"insert","row":{"kind":"system","name":"screen"},"seq":8,"table":"principals"}',X'02B5DC11B229EC87F1D9ABB1B3D613676AE571ACCDCD8F10988A2D515734DECB');
INSERT INTO "log" VALUES(9,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":1},"kind":"insert","row":{"campaign":"soft-1","content_hash":"bf32f56236899e13ef54db875d136c6cbcc65244464829c54911aa9069b0ae25","granted":"2000-01-01T00:00:00.000+00:00","principal":2,"trial":1,"used":0},"seq":9,"table":"permits"}',X'A8B107D5C55CACF1CBA3AC9FCEE4A2ED7950649816483B5CF783BE05AB2B960B');
INSERT INTO "log" VALUES(10,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":1},"kind":"update","row":{"used":1},"seq":10,"table":"permits"}',X'1007088FB3D75D3A6EDC15C2D28E2468402C2D8BBB3D2736DBEDCB550CCE9789');
INSERT INTO "log" VALUES(11,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":"soft-1.s1"},"kind":"insert","row":{"bench":"bench","lab":"soft","labware":"strip-1","place":"rack_1","well":0},"seq":11,"table":"samples"}',X'FEBF62BA9AA6DCCF5F0F82F6FADC8504C254F16B1B917E7CBDB5DE521164E99B');
INSERT INTO "log" VALUES(12,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"campaign":"soft-1","replicate":1,"sample":"soft-1.s1","trial":1},"kind":"insert","row":{},"seq":12,"table":"trial_samples"}',X'1FDC5CA21B91797924941EFD01AA5B89853C27F8F35D5CC3C4F60D36E71A87CE');
INSERT INTO "log" VALUES(13,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"update","row":{"lane":1,"state":"running"},"seq":13,"table":"trials"}',X'3EC9B1416C5496D86A9AB1E42B291BBF2256E771E1299169BF04747D837B4636');
INSERT INTO "log" VALUES(14,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"id":3},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:00.000+00:00","lab_s":0.0,"state":"running","trial":1},"seq":14,"table":"transitions"}',X'1E6BC85898A3F618FF211E51FD745C2D4CD9185DDC6C767753CF98EEC4E3B389');
INSERT INTO "log" VALUES(15,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"uid":"631522b6-38ea-428e-8c21-ce8fb76d547e"},"kind":"insert","row":{"campaign":"soft-1","lane":1,"plan_name":"pour_and_read"},"seq":15,"table":"runs"}',X'C842EE3DB895B28769CB940CABF598107F45E9F48BBD0A7A01F626B57C4E7C9B');
INSERT INTO "log" VALUES(16,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"campaign":"soft-1","replicate":1,"run":"631522b6-38ea-428e-8c21-ce8fb76d547e","trial":1},"kind":"insert","row":{},"seq":16,"table":"run_trials"}',X'A96375BB5B1895426D735D0AC69AA674322F5ED21D3AF8E69060EBB9942429C5');
INSERT INTO "log" VALUES(17,'{"date":"2000-01-01T00:00:00.000+00:00","key":{"operation":"soft1.t1.r1.pour.a1"},"kind":"insert","row":{"action":"{\"amount\":1.0,\"operation\":\"soft1.t1.r1.pour.a1\",\"type\":\"Pour\"}","campaign":"soft-1","counter":0,"device":"pump","epoch":1,"intended_lab_s":0.0,"replicate":1,"state":"intended","trial":1},"seq":17,"table":"intents"}',X'5AEE34907C242E0D2D7C57076CFADC938C5438FAD7F50042708CB1D23694644F');
INSERT INTO "log" VALUES(18,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"operation":"soft1.t1.r1.pour.a1"},"kind":"update","row":{"settled_lab_s":2.0,"state":"done"},"seq":18,"table":"intents"}',X'75DF1E526C72A9E85A966A541FCBF9AE25A85D9292CCA4C4B00620F16D0E2224');
INSERT INTO "log" VALUES(19,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"uid":"631522b6-38ea-428e-8c21-ce8fb76d547e"},"kind":"update","row":{"exit_status":"success"},"seq":19,"table":"runs"}',X'C8A04DC97BA737E216CAD76AFD0F2ACCF8360EE95994FAC0ED75D664B52DC4E8');
INSERT INTO "log" VALUES(20,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"update","row":{"state":"acquired"},"seq":20,"table":"trials"}',X'561420146853EA5A32BCE4D6F01ED0D57B284E9834645C60A535618F9A0E20E0');
INSERT INTO "log" VALUES(21,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":4},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"acquired","trial":1},"seq":21,"table":"transitions"}',X'1425A718FAF4472CCFB3F418A4337D9E78605E29D26D9938F9C109308437E506');
INSERT INTO "log" VALUES(22,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"attempt":1,"campaign":"soft-1","replicate":1,"trial":1},"kind":"insert","row":{"outcome":"{\"y\":{\"sem\":null,\"value\":1.0}}"},"seq":22,"table":"replicates"}',X'335B83237291588B85078CAC2B741E160A10E9F84B6EECC4D7B65958F897C16E');
INSERT INTO "log" VALUES(23,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"update","row":{"outcome":"{\"y\":{\"sem\":null,\"value\":1.0}}","state":"reduced"},"seq":23,"table":"trials"}',X'531ED6945107A80D5AA63346FF4360F737E450EDA0EFC056596A94E208F2EE7D');
INSERT INTO "log" VALUES(24,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":5},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"reduced","trial":1},"seq":24,"table":"transitions"}',X'9BAFDD8E3AD153385D28661568F0EB3381CFDDC3FAA478A35D4829F333BB97CF');
INSERT INTO "log" VALUES(25,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":1},"kind":"update","row":{"state":"ingested","timings":"{\"commit_s\":0.09854626200103667,\"device_s\":0.011428211000293231,\"proposer_s\":4.257299997334485e-05,\"wall_s\":0.6431452800002262}"},"seq":25,"table":"trials"}',X'6E8A35D67C7B371D0C639976E073A67C2A0768DA36201C5A421A9E7F74A93CA8');
INSERT INTO "log" VALUES(26,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":6},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"ingested","trial":1},"seq":26,"table":"transitions"}',X'B34CD94544F4E8E671F2CAC35DF47F5E6DF03D346FEA0442866BE4DFB24D174D');
INSERT INTO "log" VALUES(27,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":2},"kind":"insert","row":{"attempt":1,"engine":"line","pending":"[1]","realm":"simulated","seed":6418695981475794262,"seen":"[]","state":"suggested","values":"{\"x\":0.5}","why":"the next on the line"},"seq":27,"table":"trials"}',X'D4D00B5FB1D1955E83337F8FEA8F81870898129A1ABB22583238C85CE38CDC76');
INSERT INTO "log" VALUES(28,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":7},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"suggested","trial":2},"seq":28,"table":"transitions"}',X'0753B5306AE9CC6A3350915C749E7A108E82791C48855FF3D547CD06213FA0E1');
INSERT INTO "log" VALUES(29,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":2},"kind":"update","row":{"state":"screened","verdict":"{\"decision\":\"allowed\",\"reasons\":[]}"},"seq":29,"table":"trials"}',X'98AB12503BF4BDBC9F4215B85D0D4EF73BA37AF5FCB23E2D9BBD0AD7B170CA28');
INSERT INTO "log" VALUES(30,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":8},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"screened","trial":2},"seq":30,"table":"transitions"}',X'46F9C0B5BD85314241A0116B3F38566F4FF1BD73E60795D22FB74E07A0B628F9');
INSERT INTO "log" VALUES(31,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":2},"kind":"insert","row":{"campaign":"soft-1","content_hash":"ad0233224b23c9622ebd084088f2c1647737a4cabad828e4349bbed0d9b42e11","granted":"2000-01-01T00:00:02.000+00:00","principal":2,"trial":2,"used":0},"seq":31,"table":"permits"}',X'487B72E0D4F24A8401A003F7B602ABC6085AE17149569777BDDCC2AFD5884D6B');
INSERT INTO "log" VALUES(32,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":2},"kind":"update","row":{"used":1},"seq":32,"table":"permits"}',X'A91033EDDBCA9A88BD9FA1FB2CB87EADD44FFD8A2DFA37CCEC6F3E400D239D30');
INSERT INTO "log" VALUES(33,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":"soft-1.s2"},"kind":"insert","row":{"bench":"bench","lab":"soft","labware":"strip-1","place":"rack_1","well":1},"seq":33,"table":"samples"}',X'176472EF30E44BD37B607A7ABFA787E1C32167380C1866D19BC6EE99C6D5DAE2');
INSERT INTO "log" VALUES(34,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","replicate":1,"sample":"soft-1.s2","trial":2},"kind":"insert","row":{},"seq":34,"table":"trial_samples"}',X'6314FE2E095B29883A595B78B1F96C1A1892208F6068D36552B8EF7249D4ADC5');
INSERT INTO "log" VALUES(35,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","number":2},"kind":"update","row":{"lane":1,"state":"running"},"seq":35,"table":"trials"}',X'A1FA83BE21C5CD81EBAD6C8E68BC564A71A2CD4E5CC489F11145D04C30386AC3');
INSERT INTO "log" VALUES(36,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"id":9},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:02.000+00:00","lab_s":2.0,"state":"running","trial":2},"seq":36,"table":"transitions"}',X'A06575D67169F7C7E1A7DAF56036896E4EF65BD0444A1F9094E42CFD4F2001B6');
INSERT INTO "log" VALUES(37,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"uid":"70645a89-966d-4a19-a28e-0f1442618452"},"kind":"insert","row":{"campaign":"soft-1","lane":1,"plan_name":"pour_and_read"},"seq":37,"table":"runs"}',X'097F2125C4B01EB7DE1547006A72A93BD83FA37260588D5F2DEC70418244CB0B');
INSERT INTO "log" VALUES(38,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"campaign":"soft-1","replicate":1,"run":"70645a89-966d-4a19-a28e-0f1442618452","trial":2},"kind":"insert","row":{},"seq":38,"table":"run_trials"}',X'FA1459DD04F9C367B7BD16D69C586494DF1BAF1A30EEDBD218D017790322DFF6');
INSERT INTO "log" VALUES(39,'{"date":"2000-01-01T00:00:02.000+00:00","key":{"operation":"soft1.t2.r1.pour.a1"},"kind":"insert","row":{"action":"{\"amount\":0.5,\"operation\":\"soft1.t2.r1.pour.a1\",\"type\":\"Pour\"}","campaign":"soft-1","counter":1,"device":"pump","epoch":1,"intended_lab_s":2.0,"replicate":1,"state":"intended","trial":2},"seq":39,"table":"intents"}',X'F5E4ED71EA875169267DA4401509A004A5F3F3C33176C30719A5B96F300F5840');
INSERT INTO "log" VALUES(40,'{"date":"2000-01-01T00:00:04.000+00:00","key":{"uid":"70645a89-966d-4a19-a28e-0f1442618452"},"kind":"update","row":{"exit_status":"fail"},"seq":40,"table":"runs"}',X'123329455E4AF72477F3A106F7DDAD8AE2F7E296E212889A0E2A860C70CADD6C');
INSERT INTO "log" VALUES(41,'{"date":"2000-01-01T00:00:04.000+00:00","key":{"operation":"soft1.t2.r1.pour.a1"},"kind":"update","row":{"detail":"pump: it leaks","settled_lab_s":4.0,"state":"failed"},"seq":41,"table":"intents"}',X'C25B37957E1B17DF89F037511E1AB012F36435E320957BC4868FFC7F18B1FFF3');
INSERT INTO "log" VALUES(42,'{"date":"2000-01-01T00:00:04.000+00:00","key":{"campaign":"soft-1","number":2},"kind":"update","row":{"failure":"pump: it leaks","fault":"device","state":"failed"},"seq":42,"table":"trials"}',X'51B8B907DBFB9F734121799C15E2F23FC78F8BA2AAD43A086A7CC66663B287FA');
INSERT INTO "log" VALUES(43,'{"date":"2000-01-01T00:00:04.000+00:00","key":{"id":10},"kind":"insert","row":{"campaign":"soft-1","date":"2000-01-01T00:00:04.000+00:00","detail":"pump: it leaks","lab_s":4.0,"state":"failed","trial":2},"seq":43,"table":"transitions"}',X'51E9B6976C256A0A35DD171E4675BA77B1561BCA94A9039BAE3C31E27B646712');
INSERT INTO "log" VALUES(44,'{"date":"2000-01-01T00:00:04.000+00:00","key":{"id":"soft-1"},"kind":"update","row":{"reason":"budget used up: 2 trials","recommendation":"{\"mean\":1.0,\"reason\":\"the best value measured\",\"sem\":null,\"trial\":1,\"values\":{\"x\":1.0}}","state":"finished"},"seq":44,"table":"campaigns"}',X'6B65A0CF12EBF7DE83B8414F941DE1023698B51607B8F78629B874F25EEEA4C6');
INSERT INTO "log" VALUES(45,'{"date":null,"key":{"campaign":"soft-1","number":1},"kind":"update","row":{"history":"[[\"suggested\",0.0,\"2000-01-01T00:00:00.000+00:00\",null],[\"screened\",0.0,\"2000-01-01T00:00:00.000+00:00\",null],[\"running\",0.0,\"2000-01-01T00:00:00.000+00:00\",null],[\"acquired\",2.0,\"2000-01-01T00:00:02.000+00:00\",null],[\"reduced\",2.0,\"2000-01-01T00:00:02.000+00:00\",null],[\"ingested\",2.0,\"2000-01-01T00:00:02.000+00:00\",null]]"},"seq":45,"table":"trials"}',X'0BA2AF5FB750CA012FD72B8681572B5ED99B6B59524BC98C1EF5C0F95EFAF04C');
INSERT INTO "log" VALUES(46,'{"date":null,"key":{"campaign":"soft-1","number":2},"kind":"update","row":{"history":"[[\"suggested\",2.0,\"2000-01-01T00:00:02.000+00:00\",null],[\"screened\",2.0,\"2000-01-01T00:00:02.000+00:00\",null],[\"running\",2.0,\"2000-01-01T00:00:02.000+00:00\",null],[\"failed\",4.0,\"2000-01-01T00:00:04.000+00:00\",\"pump: it leaks\"]]"},"seq":46,"table":"trials"}',X'22BBDA463471C6F59057AD2002177657AA0AEA3C46A676E8A5E6C02525AB3E24');
INSERT INTO "log" VALUES(47,'{"date":null,"key":{"id":1},"kind":"delete","row":{},"seq":47,"table":"transitions"}',X'C5BE999ABE61B26FC8103DAFA307DCFD47F08DE1AAB252A0DA3CE1F1DFE965DF');
INSERT INTO "log" VALUES(48,'{"date":null,"key":{"id":2},"kind":"delete","row":{},"seq":48,"table":"transitions"}',X'0A6D35F015F407A865D1C84315D5E8CB23D14A8BBDF3CFD43F75602DE962F7B6');
INSERT INTO "log" VALUES(49,'{"date":null,"key":{"id":3},"kind":"delete","row":{},"seq":49,"table":"transitions"}',X'83FB5412CB6E987862030B1B3CBCED32DAE878EABB3D26410DF12A82A2D3E9AF');
INSERT INTO "log" VALUES(50,'{"date":null,"key":{"id":4},"kind":"delete","row":{},"seq":50,"table":"transitions"}',X'D26E537E0F606C97FA30C7A959C7C7F6A8B34E5DEB406EC8F0BBE868F640E42C');
INSERT INTO "log" VALUES(51,'{"date":null,"key":{"id":5},"kind":"delete","row":{},"seq":51,"table":"transitions"}',X'EE8AA677F385C11E3736C64035ED2A0850A284C57A6238FF8F68F6418D5F412D');
INSERT INTO "log" VALUES(52,'{"date":null,"key":{"id":6},"kind":"delete","row":{},"seq":52,"table":"transitions"}',X'CA6CFE75A0383D43E79509D73AE51A939036CEE9AC659FA09F401A3D4120DE8B');
INSERT INTO "log" VALUES(53,'{"date":null,"key":{"id":7},"kind":"delete","row":{},"seq":53,"table":"transitions"}',X'8B17E7B14095ADD1B1EBA925EF10F52702856E50D79BA59A006D644D60192283');
INSERT INTO "log" VALUES(54,'{"date":null,"key":{"id":8},"kind":"delete","row":{},"seq":54,"table":"transitions"}',X'61898EDD495400A479850035FA6E9AE50ED793FE86F454D9CCB17C7C224B41DE');
INSERT INTO "log" VALUES(55,'{"date":null,"key":{"id":9},"kind":"delete","row":{},"seq":55,"table":"transitions"}',X'7C4AEEC6B53EC68C0814102AD5CF33FA0F09223B692EAEA0311854C156480E03');
INSERT INTO "log" VALUES(56,'{"date":null,"key":{"id":10},"kind":"delete","row":{},"seq":56,"table":"transitions"}',X'8A4E4CF29CC60AFEFEA4F7289078D2DD25ACA3B6B95F74AB3C9F8E372C35C54B');
CREATE TABLE permits (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, content_hash TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), granted TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0,
    UNIQUE (campaign, trial, content_hash));
INSERT INTO "permits" VALUES(1,'soft-1',1,'bf32f56236899e13ef54db875d136c6cbcc65244464829c54911aa9069b0ae25',2,'2000-01-01T00:00:00.000+00:00',1);
INSERT INTO "permits" VALUES(2,'soft-1',2,'ad0233224b23c9622ebd084088f2c1647737a4cabad828e4349bbed0d9b42e11',2,'2000-01-01T00:00:02.000+00:00',1);
CREATE TABLE phases (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, result TEXT, lab_s REAL NOT NULL,
    PRIMARY KEY (campaign, trial, replicate, attempt, name));
CREATE TABLE principals (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (name, kind));
INSERT INTO "principals" VALUES(1,'ada','person');
INSERT INTO "principals" VALUES(2,'screen','system');
CREATE TABLE proof_paths (
    test INTEGER NOT NULL REFERENCES proof_tests(id), number INTEGER NOT NULL, rule TEXT NOT NULL,
    cause TEXT NOT NULL, passed INTEGER NOT NULL, latch_ms REAL, power_ms REAL, seen TEXT NOT NULL,
    PRIMARY KEY (test, number));
CREATE TABLE proof_tests (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, lab_hash TEXT NOT NULL, principal INTEGER NOT NULL
    REFERENCES principals(id), date TEXT NOT NULL, passed INTEGER NOT NULL);
CREATE TABLE questions (
    operation TEXT PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, device TEXT NOT NULL,
    question TEXT NOT NULL, state TEXT NOT NULL, asked TEXT NOT NULL, reply TEXT, failed TEXT, typed TEXT,
    principal INTEGER REFERENCES principals(id), signed TEXT, answered TEXT);
CREATE TABLE recoveries (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, failed INTEGER NOT NULL, sample TEXT REFERENCES samples(id),
    plan TEXT NOT NULL, state TEXT NOT NULL, trial INTEGER, attempt INTEGER, lab_s REAL NOT NULL);
CREATE TABLE replicates (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,
    outcome TEXT, PRIMARY KEY (campaign, trial, replicate, attempt));
INSERT INTO "replicates" VALUES('soft-1',1,1,1,'{"y":{"sem":null,"value":1.0}}');
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, verb TEXT NOT NULL, arguments TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), date TEXT NOT NULL, answer TEXT, answered TEXT);
CREATE TABLE run_trials (
    run TEXT NOT NULL REFERENCES runs(uid), campaign TEXT NOT NULL, trial INTEGER NOT NULL,
    replicate INTEGER NOT NULL, PRIMARY KEY (run, campaign, trial, replicate));
INSERT INTO "run_trials" VALUES('631522b6-38ea-428e-8c21-ce8fb76d547e','soft-1',1,1);
INSERT INTO "run_trials" VALUES('70645a89-966d-4a19-a28e-0f1442618452','soft-1',2,1);
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, campaign TEXT NOT NULL, lane INTEGER NOT NULL, plan_name TEXT NOT NULL, exit_status TEXT);
INSERT INTO "runs" VALUES('631522b6-38ea-428e-8c21-ce8fb76d547e','soft-1',1,'pour_and_read','success');
INSERT INTO "runs" VALUES('70645a89-966d-4a19-a28e-0f1442618452','soft-1',1,'pour_and_read','fail');
CREATE TABLE sample_parents (
    sample TEXT NOT NULL REFERENCES samples(id), parent TEXT NOT NULL REFERENCES samples(id), volume_ul REAL NOT NULL,
    PRIMARY KEY (sample, parent));
CREATE TABLE samples (
    id TEXT PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, labware TEXT NOT NULL, place TEXT NOT NULL,
    well INTEGER NOT NULL, barcode TEXT, principal INTEGER REFERENCES principals(id), date TEXT, UNIQUE (lab, bench, labware, well));
INSERT INTO "samples" VALUES('soft-1.s1','soft','bench','strip-1','rack_1',0,NULL,NULL,NULL);
INSERT INTO "samples" VALUES('soft-1.s2','soft','bench','strip-1','rack_1',1,NULL,NULL,NULL);
CREATE TABLE trial_samples (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, sample TEXT NOT NULL,
    PRIMARY KEY (campaign, trial, replicate, sample));
INSERT INTO "trial_samples" VALUES('soft-1',1,1,'soft-1.s1');
INSERT INTO "trial_samples" VALUES('soft-1',2,1,'soft-1.s2');
CREATE TABLE trials (
    campaign TEXT NOT NULL REFERENCES campaigns(id), number INTEGER NOT NULL, state TEXT NOT NULL,
    "values" TEXT NOT NULL, engine TEXT NOT NULL, why TEXT NOT NULL, seed INTEGER NOT NULL, seen TEXT NOT NULL,
    pending TEXT NOT NULL, verdict TEXT, outcome TEXT, failure TEXT, realm TEXT NOT NULL, lane INTEGER,
    repeat_of INTEGER, timings TEXT, attempt INTEGER NOT NULL DEFAULT 1, fault TEXT, closes REAL, proposal TEXT, asked_by INTEGER REFERENCES principals(id), explanation TEXT, history TEXT NOT NULL DEFAULT '[]', workflow TEXT, PRIMARY KEY (campaign, number));
INSERT INTO "trials" VALUES('soft-1',1,'ingested','{"x":1.0}','line','the next on the line',8485708022358817229,'[]','[]','{"decision":"allowed","reasons":[]}','{"y":{"sem":null,"value":1.0}}',NULL,'simulated',1,NULL,'{"commit_s":0.09854626200103667,"device_s":0.011428211000293231,"proposer_s":4.257299997334485e-05,"wall_s":0.6431452800002262}',1,NULL,NULL,NULL,NULL,NULL,'[["suggested",0.0,"2000-01-01T00:00:00.000+00:00",null],["screened",0.0,"2000-01-01T00:00:00.000+00:00",null],["running",0.0,"2000-01-01T00:00:00.000+00:00",null],["acquired",2.0,"2000-01-01T00:00:02.000+00:00",null],["reduced",2.0,"2000-01-01T00:00:02.000+00:00",null],["ingested",2.0,"2000-01-01T00:00:02.000+00:00",null]]',NULL);
INSERT INTO "trials" VALUES('soft-1',2,'failed','{"x":0.5}','line','the next on the line',6418695981475794262,'[]','[1]','{"decision":"allowed","reasons":[]}',NULL,'pump: it leaks','simulated',1,NULL,NULL,1,'device',NULL,NULL,NULL,NULL,'[["suggested",2.0,"2000-01-01T00:00:02.000+00:00",null],["screened",2.0,"2000-01-01T00:00:02.000+00:00",null],["running",2.0,"2000-01-01T00:00:02.000+00:00",null],["failed",4.0,"2000-01-01T00:00:04.000+00:00","pump: it leaks"]]',NULL);
CREATE TABLE trips (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, campaign TEXT NOT NULL, cause TEXT NOT NULL,
    lab_s REAL NOT NULL, date TEXT NOT NULL, reset_by INTEGER REFERENCES principals(id), reset_because TEXT,
    reset_date TEXT);
CREATE INDEX trials_by_state ON trials(campaign, state, number);
CREATE INDEX intents_by_trial ON intents(campaign, trial);
CREATE INDEX run_trials_by_trial ON run_trials(campaign, trial);
CREATE INDEX alarms_by_campaign ON alarms(campaign);
CREATE UNIQUE INDEX samples_by_barcode ON samples(lab, barcode);
CREATE INDEX sample_parents_by_parent ON sample_parents(parent);
CREATE INDEX trial_samples_by_sample ON trial_samples(sample);
CREATE INDEX questions_by_trial ON questions(campaign, trial);
COMMIT;
PRAGMA user_version = 5;
